//! What the mixed load asks for, and how often each.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::callers::Caller;
use crate::requests::{Asked, escaped};

/// An operation of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Operation {
    GetCallerIdentity,
    AssumeRole,
    GetRole,
    /// A page of a hundred.
    ListRoles,
    /// As the environment's principal; the user goes again with the next write.
    CreateUser,
    DeleteUser,
    ListBuckets,
    SimulatePrincipalPolicy,
}

/// Operations with their weights.
#[derive(Clone, Debug)]
pub(crate) struct Mix(Vec<(Operation, u64)>);

/// Mostly reads, as an identity service sees them.
pub(crate) const USUAL: &str = "get-caller-identity=40,assume-role=20,get-role=12,list-buckets=12,\
                                list-roles=4,simulate-principal-policy=4,write=8";

impl std::str::FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weights = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, weight) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=WEIGHT"))?;
            let weight: u64 = weight.parse().map_err(|_| format!("{weight:?} is no weight"))?;
            // Who makes a user also takes it away: the two come in pairs.
            if name == "write" {
                weights.push((Operation::CreateUser, weight));
                continue;
            }
            let operation = <Operation as clap::ValueEnum>::from_str(name, true)
                .ok()
                .filter(|operation| !matches!(operation, Operation::CreateUser | Operation::DeleteUser))
                .ok_or_else(|| format!("{name:?} is no operation of the mix"))?;
            weights.push((operation, weight));
        }
        if weights.iter().all(|(_, weight)| *weight == 0) {
            return Err("a mix needs an operation with a weight".into());
        }
        Ok(Self(weights))
    }
}

impl Mix {
    /// The operation of the `number`th request: the same in every run, and spread over the run.
    pub(crate) fn pick(&self, number: u64) -> Operation {
        let all: u64 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut at = scattered(number) % all.max(1);
        for (operation, weight) in &self.0 {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *operation,
            }
        }
        Operation::GetCallerIdentity
    }
}

/// A number that looks random, from one that does not (SplitMix64).
pub(crate) fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Writes of one run: users are made and taken away in turn, under names of the run's own.
pub(crate) struct Writes {
    run: u64,
    count: AtomicU64,
}

impl Writes {
    /// Writes under names that `run` sets apart.
    pub(crate) fn new(run: u64) -> Self {
        Self { run, count: AtomicU64::new(0) }
    }

    /// The next name.
    pub(crate) fn name(&self) -> String {
        format!("load-{}-{}", self.run, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

impl Operation {
    /// Whether the environment's principal asks, and not one of the callers.
    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::CreateUser | Self::DeleteUser)
    }

    /// The request, as `caller` sends it; `user` is the name of who is made or taken away.
    pub(crate) fn asked(self, caller: &Caller, user: &str) -> Asked {
        let role = caller.role_name().unwrap_or("role-0");
        let sts = |action: &str| post("sts", format!("Action={action}&Version=2011-06-15"));
        let iam = |rest: String| post("iam", format!("Version=2010-05-08&Action={rest}"));
        match self {
            Self::GetCallerIdentity => sts("GetCallerIdentity"),
            Self::AssumeRole => {
                let arn = escaped(caller.role.as_deref().unwrap_or_default());
                sts(&format!("AssumeRole&RoleSessionName=load&RoleArn={arn}"))
            }
            Self::GetRole => iam(format!("GetRole&RoleName={role}")),
            Self::ListRoles => iam("ListRoles&MaxItems=100".into()),
            Self::CreateUser => iam(format!("CreateUser&UserName={user}")),
            Self::DeleteUser => iam(format!("DeleteUser&UserName={user}")),
            Self::ListBuckets => Asked { method: http::Method::GET, service: "s3", body: String::new() },
            Self::SimulatePrincipalPolicy => iam(format!(
                "SimulatePrincipalPolicy&PolicySourceArn={}&ActionNames.member.1=s3%3AGetObject\
                 &ResourceArns.member.1=arn%3Aaws%3As3%3A%3A%3Ateam-1%2Fk",
                escaped(&caller.user)
            )),
        }
    }
}

fn post(service: &'static str, body: String) -> Asked {
    Asked { method: http::Method::POST, service, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_kept_to() {
        let mix: Mix = "get-caller-identity=3,write=1".parse().unwrap();
        let writes = (0..10_000).filter(|number| mix.pick(*number).is_write()).count();
        assert!((2_300..2_700).contains(&writes), "{writes}");
        assert!(USUAL.parse::<Mix>().is_ok());
        for wrong in ["", "get-role=0", "get-role", "get-role=x", "sleep=1", "delete-user=1"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong:?}");
        }
    }
}
