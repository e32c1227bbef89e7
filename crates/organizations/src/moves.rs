//! Moving accounts about the tree.

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::MemberAccount;

use crate::accounts::find;
use crate::env::{Env, changing};
use crate::error::OrganizationsError;
use crate::targets::Target;

pub(crate) fn move_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::MoveAccountRequest,
) -> Result<wire::MoveAccountResponse, OrganizationsError> {
    let wire::MoveAccountRequest { account_id, source_parent_id, destination_parent_id } = request;
    let found = changing(txn, env)?;
    let member = find(&found, account_id)?;
    let source = Target::parent(&found, source_parent_id).map(|target| target.id(&found));
    let destination = Target::parent(&found, destination_parent_id).map(|target| target.id(&found));
    let destination = destination.ok_or(OrganizationsError::DestinationParentNotFound)?;
    // FIDELITY: what AWS says of a source that exists and is not where the account is.
    if source.is_none_or(|source| source != member.parent) {
        return Err(OrganizationsError::SourceParentNotFound);
    }
    if destination == member.parent {
        return Err(OrganizationsError::DuplicateAccount);
    }
    let moved = MemberAccount { parent: destination, ..MemberAccount::clone(&member.account) };
    txn.put_in_organization(&found.record.id, &moved);
    Ok(wire::MoveAccountResponse {})
}
