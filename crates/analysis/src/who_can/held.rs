//! By which groups a user has a policy.

use rolecall_policy::PolicyKind;
use rolecall_state::PolicyRef;
use rolecall_sts::reach::Who;

use crate::{Because, World};

impl World {
    /// The groups that give a user the policy that decided; none when it is the user's own.
    pub(crate) fn groups_with(&self, who: &Who, because: &Because) -> Vec<String> {
        let (Who::User(user), Some(PolicyKind::Identity), Some(policy)) =
            (who, because.kind, because.policy.as_ref())
        else {
            return Vec::new();
        };
        let reference =
            because.policy_arn.as_ref().and_then(|arn| PolicyRef::from_arn(arn, self.account.id()));
        let own = match &reference {
            Some(reference) => user.attached.contains(reference),
            None => user.inline.contains_key(policy),
        };
        if own {
            return Vec::new();
        }
        let groups = self.account.groups_of(user).into_iter().filter(|group| match &reference {
            Some(reference) => group.attached.contains(reference),
            None => group.inline.contains_key(policy),
        });
        groups.map(|group| group.name.clone()).collect()
    }
}
