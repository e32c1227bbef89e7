//! When credentials and roles were last used, and for what: noted in memory as requests come in, written to
//! the store at intervals, never on the way of a request.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::entities::Format;
use crate::ids::{AccountId, UniqueId};
use crate::snapshot::{Account, Snapshot};
use crate::state::{State, StateError};
use crate::time::Timestamp;

const SHARDS: usize = 16;
/// How many uses one transaction writes at most.
const PER_TRANSACTION: usize = 256;

/// A use of an access key, of a role, or of a user's password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// The stored form.
    pub v: Format,
    /// When.
    pub at: Timestamp,
    /// The service that was called, such as `iam`.
    pub service: String,
    /// The region that the request was signed for.
    pub region: String,
}

struct Noted {
    account: AccountId,
    last: LastUse,
    written: bool,
}

/// The uses that were noted since the start, by the id of the access key, the role or the user, and what
/// principals accessed, by [`access`].
pub struct LastUsed {
    shards: [Mutex<BTreeMap<Box<str>, Noted>>; SHARDS],
}

/// The subject under which a principal's access is noted: `what` is a service (`s3`) or an action of one
/// (`s3:CreateBucket`); the principal goes by its unique id, the root user by its account's.
pub fn access(principal: &str, what: &str) -> String {
    format!("{principal}/{what}")
}

impl Default for LastUsed {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl LastUsed {
    /// Notes that `subject` was used: an access key's or a role's id, or for its password a user's.
    pub fn note(&self, account: AccountId, subject: &str, service: &str, region: &str, now: Timestamp) {
        let mut shard = self.shard(subject);
        let Some(noted) = shard.get_mut(subject) else {
            let last = LastUse { v: Format, at: now, service: service.to_owned(), region: region.to_owned() };
            shard.insert(subject.into(), Noted { account, last, written: false });
            return;
        };
        if noted.last.at < now || noted.last.service != service || noted.last.region != region {
            noted.written = false;
            noted.last.at = now;
            service.clone_into(&mut noted.last.service);
            region.clone_into(&mut noted.last.region);
        }
    }

    /// The last use of `subject` that is known, here or in `stored`.
    pub fn of(&self, subject: &str, stored: Option<&LastUse>) -> Option<LastUse> {
        let noted = self.shard(subject).get(subject).map(|noted| noted.last.clone());
        noted.or_else(|| stored.cloned())
    }

    /// What a principal accessed, and when last, in the order of their names; here or in `stored`.
    pub fn accesses(&self, principal: &str, stored: &Account) -> BTreeMap<Box<str>, LastUse> {
        let prefix = access(principal, "");
        let stored = stored.accesses(&prefix).map(|(what, last)| (what.into(), last.clone()));
        let mut all: BTreeMap<Box<str>, LastUse> = stored.collect();
        let shard = self.shard(principal);
        let from = shard.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let noted = from.map_while(|(subject, noted)| Some((subject.strip_prefix(&*prefix)?, noted)));
        all.extend(noted.map(|(what, noted)| (what.into(), noted.last.clone())));
        all
    }

    /// Writes what was noted since the last time.
    ///
    /// # Errors
    /// The state's; what was not written is written the next time.
    pub async fn flush(&self, state: &State) -> Result<(), StateError> {
        for (account, uses) in self.unwritten(&state.snapshot()) {
            for some in uses.chunks(PER_TRANSACTION) {
                state
                    .write(account, |txn| {
                        some.iter().for_each(|(subject, last)| txn.put_last_use(subject, last));
                        Ok::<(), StateError>(())
                    })
                    .await?;
                some.iter().for_each(|(subject, last)| self.mark_written(subject, last));
            }
        }
        Ok(())
    }

    // What was deleted meanwhile is forgotten: nobody can ask for it any more.
    fn unwritten(&self, snapshot: &Snapshot) -> HashMap<AccountId, Vec<(Box<str>, LastUse)>> {
        let mut all: HashMap<AccountId, Vec<(Box<str>, LastUse)>> = HashMap::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.retain(|subject, noted| exists(snapshot, noted.account, subject));
            for (subject, noted) in shard.iter().filter(|(_, noted)| !noted.written) {
                all.entry(noted.account).or_default().push((subject.clone(), noted.last.clone()));
            }
        }
        all
    }

    fn mark_written(&self, subject: &str, written: &LastUse) {
        if let Some(noted) = self.shard(subject).get_mut(subject) {
            noted.written = noted.last == *written;
        }
    }

    // All that is noted of one principal stands in one shard.
    fn shard(&self, subject: &str) -> MutexGuard<'_, BTreeMap<Box<str>, Noted>> {
        let bytes = principal_of(subject).bytes();
        let at = bytes.fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let [first, ..] = &self.shards;
        lock(self.shards.get(at % SHARDS).unwrap_or(first))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn principal_of(subject: &str) -> &str {
    subject.split_once('/').map_or(subject, |(principal, _)| principal)
}

fn exists(snapshot: &Snapshot, account: AccountId, subject: &str) -> bool {
    let Some(owner) = snapshot.account(account) else { return false };
    let principal = principal_of(subject);
    if snapshot.access_key(principal).is_some() || principal.parse().is_ok_and(|id: AccountId| id == account)
    {
        return true;
    }
    let id = UniqueId::from_stored(principal);
    owner.roles.by_id(&id).is_some() || owner.users.by_id(&id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_stands() {
        let (table, account) = (LastUsed::default(), AccountId::from_number(1).unwrap());
        table.note(account, "AKIA1", "iam", "us-east-1", Timestamp(5));
        table.note(account, "AKIA1", "sts", "eu-west-1", Timestamp(9));
        let last = table.of("AKIA1", None).unwrap();
        assert_eq!(
            (last.at, last.service.as_str(), last.region.as_str()),
            (Timestamp(9), "sts", "eu-west-1")
        );
        assert!(table.of("AKIA2", None).is_none());
        assert_eq!(table.of("AKIA2", Some(&last)), Some(last));
    }
}
