//! `GetWebIdentityToken`: a signed word about who the caller is, for services elsewhere.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html>

use rolecall_access::{Caller, Demand, iso8601};
use rolecall_aws_model::sts as wire;
use rolecall_credentials::token_signing::{Algorithm, Signer};
use rolecall_state::entities::TokenKey;
use rolecall_state::hex;
use serde_json::{Map, Value, json};

use crate::env::Env;
use crate::error::StsError;

/// As long as a token is good that does not say, in seconds.
const DEFAULT_SECONDS: i32 = 300;
/// The largest payload, in bytes. FIDELITY: AWS documents that there is a limit, not which.
const MAX_PAYLOAD: usize = 8_192;
/// The claim that holds what only AWS tells.
const NAMESPACE: &str = "https://sts.amazonaws.com/";
/// Context keys of a session, and their claims.
const SESSION_CLAIMS: [(&str, &str); 6] = [
    ("aws:FederatedProvider", "federated_provider"),
    ("ec2:SourceInstanceArn", "ec2_source_instance_arn"),
    ("ec2:SourceInstanceARN", "ec2_source_instance_arn"),
    ("aws:Ec2InstanceSourceVpc", "ec2_instance_source_vpc"),
    ("aws:Ec2InstanceSourcePrivateIPv4", "ec2_instance_source_private_ipv4"),
    ("ec2:RoleDelivery", "ec2_role_delivery"),
];

/// What `request` needs permission for; tags need a leave of their own.
pub(crate) fn demands(request: &wire::GetWebIdentityTokenRequest) -> Vec<Demand> {
    let seconds = request.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    let tags = || request.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let demand = |action| {
        Demand::new(action, "*")
            .with_many("sts:IdentityTokenAudience", request.audience.clone())
            .with("sts:DurationSeconds", seconds.to_string())
            .with("sts:SigningAlgorithm", request.signing_algorithm.as_str())
            .with_request_tags(tags())
    };
    let mut demands = vec![demand("sts:GetWebIdentityToken")];
    if !request.tags.is_empty() {
        demands.push(demand("sts:TagGetWebIdentityToken"));
    }
    demands
}

pub(crate) fn get_web_identity_token(
    env: &Env<'_>,
    request: &wire::GetWebIdentityTokenRequest,
) -> Result<wire::GetWebIdentityTokenResponse, StsError> {
    let wire::GetWebIdentityTokenRequest { audience, duration_seconds, signing_algorithm, tags } = request;
    let account = env.snapshot.account(env.caller.account);
    let outbound = account.and_then(|account| account.record.outbound.as_ref());
    let outbound =
        outbound.filter(|outbound| outbound.enabled).ok_or(StsError::OutboundFederationDisabled)?;
    let algorithm = Algorithm::of(signing_algorithm).ok_or_else(|| {
        StsError::Validation(format!("Invalid signing algorithm: {signing_algorithm}; use RS256 or ES384"))
    })?;
    let expires = env.now.plus_seconds(i64::from(duration_seconds.unwrap_or(DEFAULT_SECONDS)));
    if env.caller.session.as_ref().is_some_and(|session| session.expires < expires) {
        return Err(StsError::SessionDurationEscalation);
    }
    if let Some(doubled) = doubled(tags) {
        return Err(StsError::Validation(format!("Duplicate tag keys found: {doubled}")));
    }
    let audience = match audience.as_slice() {
        [one] => json!(one),
        many => json!(many),
    };
    let claims = json!({
        "iss": outbound.issuer(env.public_url),
        "aud": audience,
        "sub": env.caller.principal_arn(),
        "iat": env.now.0,
        "exp": expires.0,
        "jti": jti(env),
        NAMESPACE: own_claims(env, tags)?,
    });
    let payload = claims.to_string();
    if payload.len() > MAX_PAYLOAD {
        return Err(StsError::TokenTooLarge);
    }
    let key = outbound.signing_key(algorithm.name(), env.now).ok_or(StsError::NoSessionKey)?;
    let private = env.snapshot.open_sealed(&key.private, &TokenKey::purpose(&key.id));
    let signer = private.and_then(|der| Signer::from_pkcs8(algorithm, der.expose()));
    let token = signer.and_then(|signer| signer.sign(&key.id, payload.as_bytes()));
    Ok(wire::GetWebIdentityTokenResponse {
        web_identity_token: Some(token.ok_or(StsError::NoSessionKey)?.into()),
        expiration: Some(rolecall_aws_model::Timestamp::from_seconds(expires.0)),
    })
}

fn doubled(tags: &[wire::Tag]) -> Option<&str> {
    let again = |(at, tag): &(usize, &wire::Tag)| {
        tags.iter().take(*at).any(|earlier| earlier.key.eq_ignore_ascii_case(&tag.key))
    };
    tags.iter().enumerate().find(again).map(|(_, tag)| tag.key.as_str())
}

fn jti(env: &Env<'_>) -> String {
    hex(&env.entropy.bytes::<16>())
}

/// What is said of the caller, where it is known.
fn own_claims(env: &Env<'_>, tags: &[wire::Tag]) -> Result<Map<String, Value>, StsError> {
    let caller = env.caller;
    let mut claims = Map::new();
    claims.insert("aws_account".into(), json!(caller.account.to_string()));
    claims.insert("source_region".into(), json!(env.region));
    claims.insert("principal_id".into(), json!(caller.principal_arn()));
    if let Some(organization) = env.snapshot.governance(caller.account)? {
        claims.insert("org_id".into(), json!(organization.organization.as_str()));
        claims.insert("ou_path".into(), json!(organization.path.as_str()));
    }
    let own: Map<String, Value> =
        caller.tags().into_iter().map(|tag| (tag.key.clone(), json!(tag.value))).collect();
    if !own.is_empty() {
        claims.insert("principal_tags".into(), Value::Object(own));
    }
    session_claims(caller, &mut claims);
    if !tags.is_empty() {
        let given: Map<String, Value> = tags.iter().map(|tag| (tag.key.clone(), json!(tag.value))).collect();
        claims.insert("request_tags".into(), Value::Object(given));
    }
    Ok(claims)
}

fn session_claims(caller: &Caller, claims: &mut Map<String, Value>) {
    let Some(session) = &caller.session else { return };
    claims.insert("original_session_exp".into(), json!(iso8601(session.expires)));
    if let Some(identity) = &session.source_identity {
        claims.insert("source_identity".into(), json!(identity));
    }
    for (key, values) in &session.context {
        let claim = SESSION_CLAIMS.iter().find(|(known, _)| known == key);
        if let (Some((_, claim)), [value, ..]) = (claim, values.as_slice()) {
            claims.insert((*claim).to_owned(), json!(value));
        }
    }
}
