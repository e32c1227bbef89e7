//! What each operation needs permission for: the resources and keys of the Service Authorization
//! Reference.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>

use std::sync::Arc;

use rolecall_access::{Caller, Demand};
use rolecall_aws_model::ec2::{self as wire, Operation, Request};
use rolecall_state::Snapshot;
use rolecall_state::entities::{Instance, InstanceMetadataOptions, Tags};
use rolecall_state::snapshot::Account;

use crate::associations::{self, profile_arn};
use crate::places::Places;
use crate::{disks, metadata_options, tags};

/// What an operation needs permission for. `request` is none for an operation that is not built: it
/// is asked for on `*`, the stricter reading, and denied or told apart from there.
pub fn demands(
    operation: Operation,
    request: Option<&Request>,
    caller: &Caller,
    snapshot: &Snapshot,
    region: &str,
) -> Vec<Demand> {
    let Some(account) = snapshot.account(caller.account) else { return everything(operation, region) };
    let asking = Asking { operation, caller, account, region };
    match request {
        Some(Request::RunInstances(request)) => asking.run_instances(request),
        Some(Request::StartInstances(request)) => asking.instances(&request.instance_ids),
        Some(Request::StopInstances(request)) => asking.instances(&request.instance_ids),
        Some(Request::RebootInstances(request)) => asking.instances(&request.instance_ids),
        Some(Request::TerminateInstances(request)) => asking.instances(&request.instance_ids),
        Some(Request::GetConsoleOutput(request)) => vec![asking.instance(&request.instance_id)],
        Some(Request::ModifyInstanceAttribute(request)) => vec![asking.instance(&request.instance_id)],
        Some(Request::DescribeInstanceAttribute(request)) => vec![asking.instance(&request.instance_id)],
        Some(Request::ModifyInstanceMetadataOptions(request)) => vec![asking.modify_metadata(request)],
        Some(Request::AssociateIamInstanceProfile(request)) => {
            asking.associate(&request.instance_id, &request.iam_instance_profile)
        }
        Some(Request::ReplaceIamInstanceProfileAssociation(request)) => {
            let id = asking.holder(&request.association_id);
            asking.associate(&id, &request.iam_instance_profile)
        }
        Some(Request::DisassociateIamInstanceProfile(request)) => {
            vec![asking.instance(&asking.holder(&request.association_id))]
        }
        Some(Request::CreateKeyPair(request)) => {
            asking.new_key_pair(&request.key_name, &request.tag_specifications)
        }
        Some(Request::ImportKeyPair(request)) => {
            asking.new_key_pair(&request.key_name, &request.tag_specifications)
        }
        Some(Request::DeleteKeyPair(request)) => vec![asking.delete_key_pair(request)],
        Some(Request::CreateTags(request)) => asking.tags(&request.resources, &request.tags),
        Some(Request::DeleteTags(request)) => asking.tags(&request.resources, &request.tags),
        _ => everything(operation, region),
    }
}

fn everything(operation: Operation, region: &str) -> Vec<Demand> {
    vec![Demand::new(operation.action(), "*").with("ec2:Region", region)]
}

/// A request with what its demands are made from.
struct Asking<'a> {
    operation: Operation,
    caller: &'a Caller,
    account: &'a Arc<Account>,
    region: &'a str,
}

impl Asking<'_> {
    fn arn(&self, resource: &str) -> String {
        format!("arn:{}:ec2:{}:{}:{resource}", self.caller.partition, self.region, self.caller.account)
    }

    fn on(&self, resource: &str) -> Demand {
        let arn = self.arn(resource);
        Demand::new(self.operation.action(), arn).with("ec2:Region", self.region)
    }

    fn instances(&self, ids: &[String]) -> Vec<Demand> {
        ids.iter().map(|id| self.instance(id)).collect()
    }

    /// The operation on one instance, with what policies can ask about it.
    fn instance(&self, id: &str) -> Demand {
        let demand = self.on(&format!("instance/{id}"));
        match self.account.instances.get(id) {
            Some(instance) => self.with_instance(demand, instance),
            None => demand,
        }
    }

    fn with_instance(&self, demand: Demand, instance: &Instance) -> Demand {
        let profile = instance.profile.as_ref().map(|profile| profile.arn.as_str());
        let demand = demand
            .with("ec2:InstanceID", instance.id.as_str())
            .with("ec2:InstanceType", instance.instance_type.as_str())
            .with("ec2:Tenancy", "default")
            .with("ec2:RootDeviceType", "ebs")
            .with("ec2:EbsOptimized", "false")
            .with("ec2:AvailabilityZone", Places::of(self.caller.account, self.region).zone)
            .with_option("ec2:InstanceProfile", profile);
        with_resource_tags(with_metadata(demand, &instance.metadata), &instance.tags)
    }

    fn holder(&self, association_id: &str) -> String {
        associations::holder(self.account, association_id)
            .map_or_else(|| "*".to_owned(), |found| found.id.to_string())
    }

    /// Handing a role over needs permission of its own.
    fn pass_role(&self, given: &wire::IamInstanceProfileSpecification) -> Option<Demand> {
        let profile = associations::look_up(self.account, self.caller.partition, given)?;
        let role = self.account.roles.by_id(profile.role.as_ref()?)?;
        let arn = rolecall_state::arn::iam(
            self.caller.partition,
            self.caller.account,
            "role",
            &role.path,
            &role.name,
        );
        let tags = role.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let demand = Demand::new("iam:PassRole", arn)
            .with("iam:PassedToService", "ec2.amazonaws.com")
            .with("iam:AssociatedResourceArn", self.arn("instance/*"))
            .with_resource_tags(Some("iam:ResourceTag"), tags);
        Some(demand)
    }

    fn given_profile_arn(&self, given: &wire::IamInstanceProfileSpecification) -> Option<String> {
        let found = associations::look_up(self.account, self.caller.partition, given);
        let found = found.map(|profile| profile_arn(self.caller.partition, self.caller.account, profile));
        found.or_else(|| given.arn.clone())
    }

    fn associate(&self, instance: &str, given: &wire::IamInstanceProfileSpecification) -> Vec<Demand> {
        let demand =
            self.instance(instance).with_option("ec2:NewInstanceProfile", self.given_profile_arn(given));
        std::iter::once(demand).chain(self.pass_role(given)).collect()
    }

    fn modify_metadata(&self, request: &wire::ModifyInstanceMetadataOptionsRequest) -> Demand {
        let limit = request.http_put_response_hop_limit.map(|limit| limit.to_string());
        self.instance(&request.instance_id)
            .with_option("ec2:Attribute/HttpTokens", request.http_tokens.as_deref())
            .with_option("ec2:Attribute/HttpEndpoint", request.http_endpoint.as_deref())
            .with_option("ec2:Attribute/HttpPutResponseHopLimit", limit)
            .with_option("ec2:Attribute/InstanceMetadataTags", request.instance_metadata_tags.as_deref())
    }

    fn run_instances(&self, request: &wire::RunInstancesRequest) -> Vec<Demand> {
        let places = Places::of(self.caller.account, self.region);
        let common = |demand: Demand| {
            demand
                .with("ec2:InstanceType", request.instance_type.as_deref().unwrap_or("m1.small"))
                .with("ec2:IsLaunchTemplateResource", "false")
        };
        let image = request.image_id.as_deref().unwrap_or("*");
        let image = format!("arn:{}:ec2:{}::image/{image}", self.caller.partition, self.region);
        let image = Demand::new("ec2:RunInstances", image)
            .with("ec2:Region", self.region)
            .with("ec2:Public", "true")
            .with("ec2:ImageType", "machine");
        let mut demands = vec![self.new_instance(request, &places), common(image)];
        let vpc = self.arn(&format!("vpc/{}", places.vpc));
        let subnet = request.subnet_id.as_deref().unwrap_or(&places.subnet);
        let placed = |resource: String| {
            common(self.on(&resource))
                .with("ec2:Vpc", vpc.clone())
                .with("ec2:AvailabilityZone", places.zone.clone())
        };
        demands.push(placed(format!("subnet/{subnet}")));
        demands.push(
            placed("network-interface/*".to_owned())
                .with("ec2:Subnet", self.arn(&format!("subnet/{subnet}"))),
        );
        let groups = if request.security_group_ids.is_empty() {
            std::slice::from_ref(&places.security_group)
        } else {
            &request.security_group_ids
        };
        demands.extend(groups.iter().map(|group| placed(format!("security-group/{group}"))));
        demands
            .push(common(self.on("volume/*")).with("ec2:VolumeType", "gp3").with("ec2:Encrypted", "false"));
        if let Some(name) = request.key_name.as_deref().filter(|name| !name.is_empty()) {
            demands.push(self.key_pair(common(self.on(&format!("key-pair/{name}"))), name));
        }
        demands.extend(request.iam_instance_profile.as_ref().and_then(|given| self.pass_role(given)));
        demands.extend(self.tags_at_creation(&request.tag_specifications, "RunInstances"));
        demands
    }

    fn new_instance(&self, request: &wire::RunInstancesRequest, places: &Places) -> Demand {
        let profile = request.iam_instance_profile.as_ref().and_then(|given| self.given_profile_arn(given));
        let metadata = metadata_options::at_launch(request.metadata_options.as_ref()).unwrap_or_default();
        let demand = self
            .on("instance/*")
            .with("ec2:InstanceType", request.instance_type.as_deref().unwrap_or("m1.small"))
            .with("ec2:Tenancy", "default")
            .with("ec2:RootDeviceType", "ebs")
            .with("ec2:EbsOptimized", "false")
            .with("ec2:AvailabilityZone", places.zone.clone())
            .with("ec2:InstanceMarketType", "on-demand")
            .with("ec2:IsLaunchTemplateResource", "false")
            .with_option("ec2:InstanceProfile", profile);
        with_request_tags(with_metadata(demand, &metadata), &request.tag_specifications, "instance")
    }

    fn key_pair(&self, demand: Demand, name: &str) -> Demand {
        let demand = demand.with("ec2:KeyPairName", name);
        match self.account.key_pairs.get(name) {
            Some(pair) => {
                with_resource_tags(demand.with("ec2:KeyPairType", pair.key_type.as_str()), &pair.tags)
            }
            None => demand,
        }
    }

    fn new_key_pair(&self, name: &str, specifications: &[wire::TagSpecification]) -> Vec<Demand> {
        let demand = self.on(&format!("key-pair/{name}")).with("ec2:KeyPairName", name);
        let demand = with_request_tags(demand, specifications, "key-pair");
        std::iter::once(demand).chain(self.tags_at_creation(specifications, self.operation.name())).collect()
    }

    fn delete_key_pair(&self, request: &wire::DeleteKeyPairRequest) -> Demand {
        let by_id = request.key_pair_id.as_deref().and_then(|id| self.account.key_pairs.by_id_str(id));
        let name =
            request.key_name.as_deref().or_else(|| by_id.map(|pair| pair.name.as_str())).unwrap_or("*");
        self.key_pair(self.on(&format!("key-pair/{name}")), name)
    }

    /// Tags that come with what is made need permission of their own.
    fn tags_at_creation(&self, specifications: &[wire::TagSpecification], action: &str) -> Vec<Demand> {
        let tagged = specifications.iter().filter(|specification| !specification.tags.is_empty());
        tagged
            .map(|specification| {
                let kind = specification.resource_type.as_deref().unwrap_or("*");
                let demand = Demand::new("ec2:CreateTags", self.arn(&format!("{kind}/*")));
                let demand = demand.with("ec2:Region", self.region).with("ec2:CreateAction", action);
                demand.with_request_tags(specification.tags.iter().map(pair))
            })
            .collect()
    }

    fn tags(&self, resources: &[String], tags: &[wire::Tag]) -> Vec<Demand> {
        let demand = |id: &String| {
            let resource = format!("{}/{id}", tags::resource_type(id));
            let demand = match (self.account.instances.get(id), self.account.key_pairs.by_id_str(id)) {
                (Some(instance), _) if tags::is_instance(id) => {
                    self.with_instance(self.on(&resource), instance)
                }
                (_, Some(key)) => self.key_pair(self.on(&format!("key-pair/{}", key.name)), &key.name),
                _ => match disks::holder(self.account.instances.iter().map(|instance| &***instance), id) {
                    Some(instance) => with_resource_tags(self.on(&resource), &instance.disk.tags),
                    None => self.on(&resource),
                },
            };
            demand.with_request_tags(tags.iter().map(pair))
        };
        resources.iter().map(demand).collect()
    }
}

fn pair(tag: &wire::Tag) -> (&str, &str) {
    (tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default())
}

fn with_metadata(demand: Demand, options: &InstanceMetadataOptions) -> Demand {
    demand
        .with("ec2:MetadataHttpEndpoint", if options.enabled { "enabled" } else { "disabled" })
        .with("ec2:MetadataHttpTokens", if options.tokens_required { "required" } else { "optional" })
        .with("ec2:MetadataHttpPutResponseHopLimit", options.hop_limit.to_string())
}

fn with_resource_tags(demand: Demand, tags: &Tags) -> Demand {
    demand.with_resource_tags(
        Some("ec2:ResourceTag"),
        tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())),
    )
}

fn with_request_tags(demand: Demand, specifications: &[wire::TagSpecification], kind: &str) -> Demand {
    let of_kind =
        specifications.iter().filter(|specification| specification.resource_type.as_deref() == Some(kind));
    demand.with_request_tags(of_kind.flat_map(|specification| &specification.tags).map(pair))
}
