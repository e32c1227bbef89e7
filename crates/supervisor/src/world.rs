//! What the metadata service shows of instances, from the snapshot of now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::BoxFuture;
use rolecall_ec2::{
    Places, SUBNET_CIDR, VPC_CIDR, image_architecture, interface_id, mac_address, private_dns_name,
};
use rolecall_imds::{
    InstanceFacts, InstanceProfile, InstanceSource, KeyPair, MetadataOptions, Network, SecurityGroup,
};
use rolecall_state::entities::Instance;
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{Partition, Snapshot, State, Timestamp};
use rolecall_store::Revision;

/// The instances of the state.
pub(crate) struct World {
    state: State,
    region: Box<str>,
    seen: Mutex<Seen>,
}

/// What was worked out of one snapshot, for the instances that asked.
#[derive(Default)]
struct Seen {
    revision: Revision,
    facts: HashMap<Box<str>, Option<Arc<InstanceFacts>>>,
}

/// The instance with this id, and its account.
pub(crate) fn find<'s>(
    snapshot: &'s Snapshot,
    id: &str,
) -> Option<(&'s Arc<Account>, &'s Arc<Entry<Instance>>)> {
    snapshot.accounts().find_map(|account| Some((account, account.instances.get(id)?)))
}

/// A time of the state's, as the system has times.
pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(at.0).unwrap_or(0))
}

impl InstanceSource for World {
    fn facts<'a>(&'a self, instance_id: &'a str) -> BoxFuture<'a, Option<Arc<InstanceFacts>>> {
        Box::pin(std::future::ready(self.facts_now(instance_id)))
    }
}

impl World {
    /// The instances of this state, in this region.
    pub(crate) fn new(state: State, region: Box<str>) -> Self {
        Self { state, region, seen: Mutex::default() }
    }

    /// Worked out once for each snapshot: programs ask more often than anything changes.
    fn facts_now(&self, id: &str) -> Option<Arc<InstanceFacts>> {
        let snapshot = self.state.snapshot();
        // Consistent between any two statements that hold it.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.revision != snapshot.revision {
            *seen = Seen { revision: snapshot.revision, facts: HashMap::new() };
        }
        if let Some(facts) = seen.facts.get(id) {
            return facts.clone();
        }
        let facts = self.look(&snapshot, id).map(Arc::new);
        seen.facts.insert(id.into(), facts.clone());
        facts
    }

    fn look(&self, snapshot: &Snapshot, id: &str) -> Option<InstanceFacts> {
        let (account, instance) = find(snapshot, id)?;
        let (region, partition) = (&*self.region, Partition::of_region(&self.region));
        let places = Places::of(account.id(), region);
        let domain = if partition.as_str() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let user_data = rolecall_ec2::user_data(instance, snapshot);
        Some(InstanceFacts {
            instance_id: instance.id.to_string(),
            account_id: account.id().to_string(),
            region: region.to_owned(),
            availability_zone: places.zone.clone(),
            availability_zone_id: places.zone_id.clone(),
            partition: partition.as_str().to_owned(),
            services_domain: domain.to_owned(),
            image_id: instance.image.clone(),
            ami_launch_index: instance.launch_index,
            instance_type: instance.instance_type.clone(),
            architecture: image_architecture().to_owned(),
            reservation_id: instance.reservation.clone(),
            launched: system_time(instance.launched),
            private_dns_name: private_dns_name(instance.private_ip, region),
            network: Network {
                mac: mac_address(instance.private_ip),
                private_ip: instance.private_ip,
                interface_id: interface_id(instance.id.as_str()),
                subnet_id: places.subnet,
                subnet_cidr: SUBNET_CIDR.to_owned(),
                vpc_id: places.vpc,
                vpc_cidr: VPC_CIDR.to_owned(),
            },
            security_groups: vec![SecurityGroup { id: places.security_group, name: "default".to_owned() }],
            key_pair: key_pair(instance),
            tags: instance.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
            user_data: user_data.map(Bytes::from),
            root_device_name: "/dev/xvda".to_owned(),
            profile: profile(account, instance),
            options: MetadataOptions {
                enabled: instance.metadata.enabled,
                tokens_required: instance.metadata.tokens_required,
                hop_limit: instance.metadata.hop_limit,
                tags: instance.metadata.tags,
            },
        })
    }
}

fn key_pair(instance: &Instance) -> Option<KeyPair> {
    let (name, openssh) = (instance.key_name.clone()?, instance.public_key.clone()?);
    Some(KeyPair { name, openssh })
}

/// The profile that the instance has now, with the role that the profile has now.
fn profile(account: &Account, instance: &Instance) -> Option<InstanceProfile> {
    let association = instance.profile.as_ref()?;
    let profile = account.instance_profiles.by_id(&association.profile)?;
    let role = profile.role.as_ref().and_then(|role| account.roles.by_id(role));
    Some(InstanceProfile {
        arn: association.arn.clone(),
        id: association.profile.to_string(),
        role_name: role.map(|role| role.name.clone()),
        role_id: role.map(|role| role.id.to_string()),
    })
}
