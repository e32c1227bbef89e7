//! From an authorized input to its handler.

use rolecall_access::Authorized;
use rolecall_aws_model::ec2::{Operation, Request, Response};
use rolecall_state::Txn;

use crate::env::Env;
use crate::error::Ec2Error;
use crate::{
    associations, attributes, console, disks, images, instances, key_pairs, lifecycle, metadata_options,
    places, run_instances, tags,
};

macro_rules! handlers {
    ($($operation:ident => $handler:path,)*) => {
        /// Carries an authorized operation out. It may run again, on a newer snapshot.
        ///
        /// # Errors
        /// The operation's own, in AWS's words.
        pub fn handle(txn: &mut Txn, env: &Env<'_>, request: &Authorized<Request>) -> Result<Response, Ec2Error> {
            match request.input() {
                $(Request::$operation(request) => {
                    Ok(Response::$operation(Box::new($handler(txn, env, request)?)))
                })*
                other => Err(Ec2Error::NotImplemented(other.operation().name())),
            }
        }

        /// Whether there is a handler for an operation.
        pub fn is_handled(operation: Operation) -> bool {
            matches!(operation, $(Operation::$operation)|*)
        }
    };
}

handlers! {
    AssociateIamInstanceProfile => associations::associate_iam_instance_profile,
    CreateKeyPair => key_pairs::create_key_pair,
    CreateTags => tags::create_tags,
    DeleteKeyPair => key_pairs::delete_key_pair,
    DeleteTags => tags::delete_tags,
    DescribeAccountAttributes => places::describe_account_attributes,
    DescribeAvailabilityZones => places::describe_availability_zones,
    DescribeIamInstanceProfileAssociations => associations::describe_iam_instance_profile_associations,
    DescribeImages => images::describe_images,
    DescribeInstanceAttribute => attributes::describe_instance_attribute,
    DescribeInstanceCreditSpecifications => instances::describe_instance_credit_specifications,
    DescribeInstanceStatus => instances::describe_instance_status,
    DescribeInstanceTypeOfferings => images::describe_instance_type_offerings,
    DescribeInstanceTypes => images::describe_instance_types,
    DescribeInstances => instances::describe_instances,
    DescribeKeyPairs => key_pairs::describe_key_pairs,
    DescribeRegions => places::describe_regions,
    DescribeSecurityGroups => places::describe_security_groups,
    DescribeSubnets => places::describe_subnets,
    DescribeTags => tags::describe_tags,
    DescribeVolumes => disks::describe_volumes,
    DescribeVpcAttribute => places::describe_vpc_attribute,
    DescribeVpcs => places::describe_vpcs,
    DisassociateIamInstanceProfile => associations::disassociate_iam_instance_profile,
    GetConsoleOutput => console::get_console_output,
    ImportKeyPair => key_pairs::import_key_pair,
    ModifyInstanceAttribute => attributes::modify_instance_attribute,
    ModifyInstanceMetadataOptions => metadata_options::modify_instance_metadata_options,
    RebootInstances => lifecycle::reboot_instances,
    ReplaceIamInstanceProfileAssociation => associations::replace_iam_instance_profile_association,
    RunInstances => run_instances::run_instances,
    StartInstances => lifecycle::start_instances,
    StopInstances => lifecycle::stop_instances,
    TerminateInstances => lifecycle::terminate_instances,
}
