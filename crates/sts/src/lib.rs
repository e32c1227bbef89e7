//! STS: sessions, and who holds them.

mod assume_role;
mod assume_root;
mod authorization_message;
pub mod console;
mod delegated;
mod demands;
mod env;
mod error;
mod federated_claims;
mod federated_session;
mod identity;
pub mod login;
pub mod map;
pub mod mfa;
mod outbound_token;
pub mod reach;
pub mod saml;
mod service_session;
mod session_policies;
mod session_token;
mod tags;
mod views;
pub mod web_identity;

use rolecall_access::Authorized;
use rolecall_aws_model::sts::{Operation, Request, Response};

pub use delegated::trade_in_token;
pub use demands::demands;
pub use env::{Env, Limits};
pub use error::StsError;
pub use federated_session::Issuing;
pub use service_session::{ServiceSession, assume_for_service};

/// Carries an authorized operation out.
///
/// # Errors
/// The operation's own, in AWS's words.
pub fn handle(env: &Env<'_>, request: &Authorized<Request>) -> Result<Response, StsError> {
    Ok(match request.input() {
        Request::AssumeRole(r) => assume_role::assume_role(env, r)?.into(),
        Request::AssumeRoot(r) => assume_root::assume_root(env, r)?.into(),
        Request::DecodeAuthorizationMessage(r) => {
            authorization_message::decode_authorization_message(env, r)?.into()
        }
        Request::GetAccessKeyInfo(r) => identity::get_access_key_info(env, r)?.into(),
        Request::GetCallerIdentity(r) => identity::get_caller_identity(env, r)?.into(),
        Request::GetFederationToken(r) => session_token::get_federation_token(env, r)?.into(),
        Request::GetWebIdentityToken(r) => outbound_token::get_web_identity_token(env, r)?.into(),
        Request::GetSessionToken(r) => session_token::get_session_token(env, r)?.into(),
        Request::GetDelegatedAccessToken(r) => delegated::get_delegated_access_token(env, r)?.into(),
        // Proofs are checked and decided on by `saml` and `web_identity`, without a caller.
        Request::AssumeRoleWithSAML(_) | Request::AssumeRoleWithWebIdentity(_) => {
            return Err(StsError::NotImplemented(request.input().operation().name()));
        }
    })
}

/// Whether there is a handler for an operation.
pub fn is_handled(operation: Operation) -> bool {
    match operation {
        Operation::AssumeRole
        | Operation::AssumeRoot
        | Operation::AssumeRoleWithSAML
        | Operation::AssumeRoleWithWebIdentity
        | Operation::DecodeAuthorizationMessage
        | Operation::GetAccessKeyInfo
        | Operation::GetCallerIdentity
        | Operation::GetDelegatedAccessToken
        | Operation::GetFederationToken
        | Operation::GetSessionToken
        | Operation::GetWebIdentityToken => true,
    }
}
