//! What each operation needs permission for: its resources and the context keys that only it knows.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

use std::collections::BTreeMap;

use rolecall_access::{Caller, Demand, Identity};
use rolecall_aws_model::iam::{GenerateOrganizationsAccessReportRequest, Request, Tag};
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::entities::Tags;
use rolecall_state::snapshot::Account;
use rolecall_state::{PolicyRef, Snapshot, arn};

use crate::role_templates::RoleTemplates;
use crate::{account_properties, delegation, role_templates};

/// The context key of the service's own for a resource's tags.
const RESOURCE_TAG: &str = "iam:ResourceTag";

/// What is looked at for a report about an organization.
const ORGANIZATION_LOOKS: [&str; 6] = [
    "organizations:DescribePolicy",
    "organizations:ListChildren",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTargetsForPolicy",
];

/// What `request` needs permission for.
pub fn demands(
    request: &Request,
    caller: &Caller,
    snapshot: &Snapshot,
    templates: &RoleTemplates,
) -> Vec<Demand> {
    if let Some(demands) = role_templates::demands(request, caller, templates) {
        return demands;
    }
    if let Some(demand) = delegation::demand(request, caller, snapshot) {
        return vec![demand];
    }
    let Some(account) = snapshot.account(caller.account) else { return Vec::new() };
    let asked = Asked { action: request.operation().action(), caller, account };
    asked.demands(request)
}

struct Asked<'a> {
    action: &'static str,
    caller: &'a Caller,
    account: &'a Account,
}

impl Asked<'_> {
    fn demands(&self, request: &Request) -> Vec<Demand> {
        use Request as R;
        let one = match request {
            R::CreateUser(r) => self
                .new_entity("user", r.path.as_deref(), &r.user_name, &r.tags)
                .with_option("iam:PermissionsBoundary", r.permissions_boundary.as_deref()),
            R::CreateRole(r) => self
                .new_entity("role", r.path.as_deref(), &r.role_name, &r.tags)
                .with_option("iam:PermissionsBoundary", r.permissions_boundary.as_deref()),
            R::CreateGroup(r) => self.new_entity("group", r.path.as_deref(), &r.group_name, &[]),
            R::CreatePolicy(r) => self.new_entity("policy", r.path.as_deref(), &r.policy_name, &r.tags),
            R::CreateInstanceProfile(r) => {
                self.new_entity("instance-profile", r.path.as_deref(), &r.instance_profile_name, &r.tags)
            }
            R::AddRoleToInstanceProfile(r) => {
                return vec![self.profile(&r.instance_profile_name), self.pass_role(&r.role_name)];
            }
            R::PutAccountProperties(r) => return self.account_properties(&r.properties),
            R::GenerateOrganizationsAccessReport(r) => return self.organizations_access_report(r),
            R::ListUsers(r) => self.list("user", r.path_prefix.as_deref()),
            R::ListRoles(r) => self.list("role", r.path_prefix.as_deref()),
            R::ListGroups(r) => self.list("group", r.path_prefix.as_deref()),
            R::ListInstanceProfiles(r) => self.list("instance-profile", r.path_prefix.as_deref()),
            R::TagUser(r) => self.user(&r.user_name).with_request_tags(pairs(&r.tags)),
            R::TagRole(r) => self.role(&r.role_name).with_request_tags(pairs(&r.tags)),
            R::TagPolicy(r) => self.policy(&r.policy_arn).with_request_tags(pairs(&r.tags)),
            R::TagInstanceProfile(r) => {
                self.profile(&r.instance_profile_name).with_request_tags(pairs(&r.tags))
            }
            R::UntagUser(r) => self.user(&r.user_name).with_many("aws:TagKeys", r.tag_keys.clone()),
            R::UntagRole(r) => self.role(&r.role_name).with_many("aws:TagKeys", r.tag_keys.clone()),
            R::UntagPolicy(r) => self.policy(&r.policy_arn).with_many("aws:TagKeys", r.tag_keys.clone()),
            R::UntagInstanceProfile(r) => {
                self.profile(&r.instance_profile_name).with_many("aws:TagKeys", r.tag_keys.clone())
            }
            R::CreateServiceLinkedRole(r) => self
                .demand(self.arn("role", &format!("/aws-service-role/{}/", r.aws_service_name), "*"))
                .with("iam:AWSServiceName", r.aws_service_name.as_str()),
            R::CreateVirtualMFADevice(r) => {
                self.new_entity("mfa", r.path.as_deref(), &r.virtual_mfa_device_name, &r.tags)
            }
            R::UploadServerCertificate(r) => {
                self.new_entity("server-certificate", r.path.as_deref(), &r.server_certificate_name, &r.tags)
            }
            R::CreateOpenIDConnectProvider(r) => {
                let name =
                    r.url.split_once("://").map_or(r.url.as_str(), |(_, name)| name).trim_end_matches('/');
                self.new_entity("oidc-provider", None, name, &r.tags)
            }
            R::CreateSAMLProvider(r) => self.new_entity("saml-provider", None, &r.name, &r.tags),
            R::ListServerCertificates(r) => self.list("server-certificate", r.path_prefix.as_deref()),
            R::TagMFADevice(r) => self.device(&r.serial_number).with_request_tags(pairs(&r.tags)),
            R::TagServerCertificate(r) => {
                self.certificate(&r.server_certificate_name).with_request_tags(pairs(&r.tags))
            }
            R::TagOpenIDConnectProvider(r) => {
                self.oidc(&r.openid_connect_provider_arn).with_request_tags(pairs(&r.tags))
            }
            R::TagSAMLProvider(r) => self.saml(&r.saml_provider_arn).with_request_tags(pairs(&r.tags)),
            R::UntagMFADevice(r) => {
                self.device(&r.serial_number).with_many("aws:TagKeys", r.tag_keys.clone())
            }
            R::UntagServerCertificate(r) => {
                self.certificate(&r.server_certificate_name).with_many("aws:TagKeys", r.tag_keys.clone())
            }
            R::UntagOpenIDConnectProvider(r) => {
                self.oidc(&r.openid_connect_provider_arn).with_many("aws:TagKeys", r.tag_keys.clone())
            }
            R::UntagSAMLProvider(r) => {
                self.saml(&r.saml_provider_arn).with_many("aws:TagKeys", r.tag_keys.clone())
            }
            _ => return self.of_one_entity(request),
        };
        vec![one]
    }

    // Whoever asks for a report about an organization must also be allowed to look at what it is made of.
    // FIDELITY: AWS asks for these by the caller's own policies; on which resources its page does not say.
    fn organizations_access_report(&self, request: &GenerateOrganizationsAccessReportRequest) -> Vec<Demand> {
        let GenerateOrganizationsAccessReportRequest { entity_path, organizations_policy_id: policy } =
            request;
        let own = self
            .demand(self.arn("access-report", "/", entity_path))
            .with_option("iam:OrganizationsPolicyId", policy.as_deref());
        let looks = ORGANIZATION_LOOKS.map(|action| Demand::new(action, "*"));
        std::iter::once(own).chain(looks).collect()
    }

    // Turning the role manager on makes its role, whether or not it is there.
    fn account_properties(&self, properties: &BTreeMap<String, String>) -> Vec<Demand> {
        let own = self
            .demand("*".to_owned())
            .with_many("iam:AccountPropertyNamespaces", account_properties::namespaces(properties));
        let mut demands = vec![own];
        if account_properties::turns_on(properties) {
            let (service, role) = (account_properties::SERVICE, account_properties::SERVICE_ROLE);
            let path = format!("/aws-service-role/{service}/");
            let linked = Demand::new("iam:CreateServiceLinkedRole", self.arn("role", &path, role));
            demands.push(linked.with("iam:AWSServiceName", service));
        }
        demands
    }

    fn of_one_entity(&self, request: &Request) -> Vec<Demand> {
        self.of_user(request)
            .or_else(|| self.of_role(request))
            .or_else(|| self.of_group(request))
            .or_else(|| self.of_policy_or_profile(request))
            .or_else(|| self.of_device_or_certificate(request))
            .or_else(|| self.of_provider(request))
            .map_or_else(|| vec![self.demand("*".to_owned())], |demand| vec![demand])
    }

    fn of_user(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::GetUser(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UpdateUser(r) => self.user(&r.user_name),
            R::DeleteUser(r) => self.user(&r.user_name),
            R::ListUserTags(r) => self.user(&r.user_name),
            R::ListGroupsForUser(r) => self.user(&r.user_name),
            R::AttachUserPolicy(r) => {
                self.bounded_user(&r.user_name).with("iam:PolicyARN", r.policy_arn.as_str())
            }
            R::DetachUserPolicy(r) => {
                self.bounded_user(&r.user_name).with("iam:PolicyARN", r.policy_arn.as_str())
            }
            R::ListAttachedUserPolicies(r) => self.user(&r.user_name),
            R::PutUserPolicy(r) => self.bounded_user(&r.user_name),
            R::DeleteUserPolicy(r) => self.bounded_user(&r.user_name),
            R::GetUserPolicy(r) => self.user(&r.user_name),
            R::ListUserPolicies(r) => self.user(&r.user_name),
            R::PutUserPermissionsBoundary(r) => {
                self.user(&r.user_name).with("iam:PermissionsBoundary", r.permissions_boundary.as_str())
            }
            R::DeleteUserPermissionsBoundary(r) => self.bounded_user(&r.user_name),
            R::CreateAccessKey(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UpdateAccessKey(r) => self.user_or_caller(r.user_name.as_deref()),
            R::DeleteAccessKey(r) => self.user_or_caller(r.user_name.as_deref()),
            R::ListAccessKeys(r) => self.user_or_caller(r.user_name.as_deref()),
            R::CreateLoginProfile(r) => self.user_or_caller(r.user_name.as_deref()),
            R::GetLoginProfile(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UpdateLoginProfile(r) => self.user(&r.user_name),
            R::DeleteLoginProfile(r) => self.user_or_caller(r.user_name.as_deref()),
            R::ChangePassword(_) => self.with_users_leave(self.user_or_caller(None)),
            R::GetAccountPasswordPolicy(_) => self.with_users_leave(self.demand("*".to_owned())),
            R::ListMFADevices(r) => self.user_or_caller(r.user_name.as_deref()),
            R::EnableMFADevice(r) => self.user(&r.user_name),
            R::ResyncMFADevice(r) => self.user(&r.user_name),
            R::DeactivateMFADevice(r) => self.user_or_caller(r.user_name.as_deref()),
            R::ListSSHPublicKeys(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UploadSSHPublicKey(r) => self.user(&r.user_name),
            R::GetSSHPublicKey(r) => self.user(&r.user_name),
            R::UpdateSSHPublicKey(r) => self.user(&r.user_name),
            R::DeleteSSHPublicKey(r) => self.user(&r.user_name),
            R::ListSigningCertificates(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UploadSigningCertificate(r) => self.user_or_caller(r.user_name.as_deref()),
            R::UpdateSigningCertificate(r) => self.user_or_caller(r.user_name.as_deref()),
            R::DeleteSigningCertificate(r) => self.user_or_caller(r.user_name.as_deref()),
            R::ListServiceSpecificCredentials(r) => self.user_or_caller(r.user_name.as_deref()),
            R::CreateServiceSpecificCredential(r) => self.user(&r.user_name),
            R::UpdateServiceSpecificCredential(r) => self.user_or_caller(r.user_name.as_deref()),
            R::ResetServiceSpecificCredential(r) => self.user_or_caller(r.user_name.as_deref()),
            R::DeleteServiceSpecificCredential(r) => self.user_or_caller(r.user_name.as_deref()),
            _ => return None,
        })
    }

    fn of_role(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::GetRole(r) => self.role(&r.role_name),
            R::UpdateRole(r) => self.role(&r.role_name),
            R::UpdateRoleDescription(r) => self.role(&r.role_name),
            R::UpdateAssumeRolePolicy(r) => self.role(&r.role_name),
            R::DeleteRole(r) => self.role(&r.role_name),
            R::ListRoleTags(r) => self.role(&r.role_name),
            R::ListInstanceProfilesForRole(r) => self.role(&r.role_name),
            R::AttachRolePolicy(r) => {
                self.bounded_role(&r.role_name).with("iam:PolicyARN", r.policy_arn.as_str())
            }
            R::DetachRolePolicy(r) => {
                self.bounded_role(&r.role_name).with("iam:PolicyARN", r.policy_arn.as_str())
            }
            R::ListAttachedRolePolicies(r) => self.role(&r.role_name),
            R::PutRolePolicy(r) => self.bounded_role(&r.role_name),
            R::DeleteRolePolicy(r) => self.bounded_role(&r.role_name),
            R::GetRolePolicy(r) => self.role(&r.role_name),
            R::ListRolePolicies(r) => self.role(&r.role_name),
            R::PutRolePermissionsBoundary(r) => {
                self.role(&r.role_name).with("iam:PermissionsBoundary", r.permissions_boundary.as_str())
            }
            R::DeleteRolePermissionsBoundary(r) => self.bounded_role(&r.role_name),
            R::DeleteServiceLinkedRole(r) => self.role(&r.role_name),
            _ => return None,
        })
    }

    fn of_group(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::GetGroup(r) => self.group(&r.group_name),
            R::UpdateGroup(r) => self.group(&r.group_name),
            R::DeleteGroup(r) => self.group(&r.group_name),
            R::AddUserToGroup(r) => self.group(&r.group_name),
            R::RemoveUserFromGroup(r) => self.group(&r.group_name),
            R::AttachGroupPolicy(r) => self.group(&r.group_name).with("iam:PolicyARN", r.policy_arn.as_str()),
            R::DetachGroupPolicy(r) => self.group(&r.group_name).with("iam:PolicyARN", r.policy_arn.as_str()),
            R::ListAttachedGroupPolicies(r) => self.group(&r.group_name),
            R::PutGroupPolicy(r) => self.group(&r.group_name),
            R::DeleteGroupPolicy(r) => self.group(&r.group_name),
            R::GetGroupPolicy(r) => self.group(&r.group_name),
            R::ListGroupPolicies(r) => self.group(&r.group_name),
            _ => return None,
        })
    }

    /// The user, role or group with this ARN, whose policies are looked at.
    fn identity(&self, source: &str) -> Demand {
        let parts = rolecall_state::arn::ArnParts::parse(source);
        let name = source.rsplit('/').next().unwrap_or_default();
        match parts.and_then(|parts| parts.resource.split_once('/')).map(|(kind, _)| kind) {
            Some("user") => self.user(name),
            Some("role") => self.role(name),
            Some("group") => self.group(name),
            _ => self.demand("*".to_owned()),
        }
    }

    fn of_policy_or_profile(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::SimulatePrincipalPolicy(r) => self.identity(&r.policy_source_arn),
            R::GetContextKeysForPrincipalPolicy(r) => self.identity(&r.policy_source_arn),
            R::ListPoliciesGrantingServiceAccess(r) => self.identity(&r.arn),
            R::GenerateServiceLastAccessedDetails(r) => match r.arn.contains(":policy/") {
                true => self.policy(&r.arn),
                false => self.identity(&r.arn),
            },
            R::GetPolicy(r) => self.policy(&r.policy_arn),
            R::DeletePolicy(r) => self.policy(&r.policy_arn),
            R::GetPolicyVersion(r) => self.policy(&r.policy_arn),
            R::CreatePolicyVersion(r) => self.policy(&r.policy_arn),
            R::DeletePolicyVersion(r) => self.policy(&r.policy_arn),
            R::SetDefaultPolicyVersion(r) => self.policy(&r.policy_arn),
            R::ListPolicyVersions(r) => self.policy(&r.policy_arn),
            R::ListEntitiesForPolicy(r) => self.policy(&r.policy_arn),
            R::ListPolicyTags(r) => self.policy(&r.policy_arn),
            R::GetInstanceProfile(r) => self.profile(&r.instance_profile_name),
            R::DeleteInstanceProfile(r) => self.profile(&r.instance_profile_name),
            R::RemoveRoleFromInstanceProfile(r) => self.profile(&r.instance_profile_name),
            R::ListInstanceProfileTags(r) => self.profile(&r.instance_profile_name),
            _ => return None,
        })
    }

    fn of_device_or_certificate(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::DeleteVirtualMFADevice(r) => self.device(&r.serial_number),
            R::ListMFADeviceTags(r) => self.device(&r.serial_number),
            R::GetMFADevice(r) => self.user_or_caller(r.user_name.as_deref()),
            R::GetServerCertificate(r) => self.certificate(&r.server_certificate_name),
            R::UpdateServerCertificate(r) => self.certificate(&r.server_certificate_name),
            R::DeleteServerCertificate(r) => self.certificate(&r.server_certificate_name),
            R::ListServerCertificateTags(r) => self.certificate(&r.server_certificate_name),
            R::GetAccessKeyLastUsed(r) => self.key_owner(&r.access_key_id),
            _ => return None,
        })
    }

    fn of_provider(&self, request: &Request) -> Option<Demand> {
        use Request as R;
        Some(match request {
            R::GetOpenIDConnectProvider(r) => self.oidc(&r.openid_connect_provider_arn),
            R::AddClientIDToOpenIDConnectProvider(r) => self.oidc(&r.openid_connect_provider_arn),
            R::RemoveClientIDFromOpenIDConnectProvider(r) => self.oidc(&r.openid_connect_provider_arn),
            R::UpdateOpenIDConnectProviderThumbprint(r) => self.oidc(&r.openid_connect_provider_arn),
            R::DeleteOpenIDConnectProvider(r) => self.oidc(&r.openid_connect_provider_arn),
            R::ListOpenIDConnectProviderTags(r) => self.oidc(&r.openid_connect_provider_arn),
            R::GetSAMLProvider(r) => self.saml(&r.saml_provider_arn),
            R::UpdateSAMLProvider(r) => self.saml(&r.saml_provider_arn),
            R::DeleteSAMLProvider(r) => self.saml(&r.saml_provider_arn),
            R::ListSAMLProviderTags(r) => self.saml(&r.saml_provider_arn),
            _ => return None,
        })
    }

    fn demand(&self, resource: String) -> Demand {
        Demand::new(self.action, resource)
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn::iam(self.caller.partition, self.account.id(), kind, path, name)
    }

    fn new_entity(&self, kind: &str, path: Option<&str>, name: &str, tags: &[Tag]) -> Demand {
        self.demand(self.arn(kind, path.unwrap_or("/"), name)).with_request_tags(pairs(tags))
    }

    // The resource of a list is the path that it lists, as AWS's denials show it.
    fn list(&self, kind: &str, prefix: Option<&str>) -> Demand {
        self.demand(self.arn(kind, prefix.unwrap_or("/"), ""))
    }

    // What does not exist is asked for under the root path: whoever may not is denied before
    // anyone learns that there is nothing.
    fn user(&self, name: &str) -> Demand {
        match self.account.users.get(name) {
            Some(user) => tagged(self.demand(self.arn("user", &user.path, &user.name)), &user.tags),
            None => self.demand(self.arn("user", "/", name)),
        }
    }

    fn user_or_caller(&self, name: Option<&str>) -> Demand {
        match (name, &self.caller.identity) {
            (Some(name), _) => self.user(name),
            (None, Identity::User(user)) => self.user(&user.name),
            (None, _) => self.demand(self.caller.arn().to_owned()),
        }
    }

    // An account's password policy may let every user change its own password: that is an allow from
    // beside the user's policies, which a deny in them still overrides.
    fn with_users_leave(&self, mut demand: Demand) -> Demand {
        let leave =
            self.account.record.password_policy.as_ref().is_some_and(|policy| policy.users_may_change);
        if !leave || !matches!(self.caller.identity, Identity::User(_)) {
            return demand;
        }
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{}"}},
            "Action": "{}", "Resource": "*"}}}}"#,
            self.caller.arn(),
            self.action,
        );
        // A text that could not be read would allow nothing.
        if let Ok(document) = Document::parse(text.as_str(), Grammar::evaluated(PolicyKind::Resource)) {
            let policy = Policy::new("account password policy", document);
            demand.resource_policy = Some(PolicySet::compile(PolicyKind::Resource, vec![policy]));
        }
        demand
    }

    fn bounded_user(&self, name: &str) -> Demand {
        let boundary = self.account.users.get(name).and_then(|user| user.boundary.as_ref());
        self.user(name).with_option("iam:PermissionsBoundary", self.policy_arn(boundary))
    }

    fn role(&self, name: &str) -> Demand {
        match self.account.roles.get(name) {
            Some(role) => tagged(self.demand(self.arn("role", &role.path, &role.name)), &role.tags),
            None => self.demand(self.arn("role", "/", name)),
        }
    }

    fn bounded_role(&self, name: &str) -> Demand {
        let boundary = self.account.roles.get(name).and_then(|role| role.boundary.as_ref());
        self.role(name).with_option("iam:PermissionsBoundary", self.policy_arn(boundary))
    }

    // Whoever puts a role into a profile hands it to EC2's instances.
    fn pass_role(&self, name: &str) -> Demand {
        let mut demand = self.role(name).with("iam:PassedToService", "ec2.amazonaws.com");
        demand.action = "iam:PassRole".into();
        demand
    }

    fn group(&self, name: &str) -> Demand {
        let path = self.account.groups.get(name).map_or("/", |group| group.path.as_str());
        self.demand(self.arn("group", path, name))
    }

    fn profile(&self, name: &str) -> Demand {
        match self.account.instance_profiles.get(name) {
            Some(profile) => {
                tagged(self.demand(self.arn("instance-profile", &profile.path, &profile.name)), &profile.tags)
            }
            None => self.demand(self.arn("instance-profile", "/", name)),
        }
    }

    fn device(&self, serial_number: &str) -> Demand {
        let name = serial_number.rsplit('/').next().unwrap_or(serial_number);
        let demand = self.demand(serial_number.to_owned());
        match self.account.mfa_devices.get(name) {
            Some(device) => tagged(demand, &device.tags),
            None => demand,
        }
    }

    fn certificate(&self, name: &str) -> Demand {
        match self.account.server_certificates.get(name) {
            Some(found) => {
                tagged(self.demand(self.arn("server-certificate", &found.path, &found.name)), &found.tags)
            }
            None => self.demand(self.arn("server-certificate", "/", name)),
        }
    }

    fn oidc(&self, arn: &str) -> Demand {
        let name = arn.split_once(":oidc-provider/").map_or("", |(_, name)| name);
        let demand = self.demand(arn.to_owned());
        match self.account.oidc_providers.get(name) {
            Some(provider) => tagged(demand, &provider.tags),
            None => demand,
        }
    }

    fn saml(&self, arn: &str) -> Demand {
        let name = arn.split_once(":saml-provider/").map_or("", |(_, name)| name);
        let demand = self.demand(arn.to_owned());
        match self.account.saml_providers.get(name) {
            Some(provider) => tagged(demand, &provider.tags),
            None => demand,
        }
    }

    // The resource is the user whose key it is; a key of nobody here is asked for as any user's.
    fn key_owner(&self, id: &str) -> Demand {
        let holds = |user: &&std::sync::Arc<
            rolecall_state::snapshot::Entry<rolecall_state::entities::User>,
        >| { user.access_keys.iter().any(|key| key.id.as_str() == id) };
        if self.account.record.root.access_keys.iter().any(|key| key.id.as_str() == id) {
            return self.demand(arn::root(self.caller.partition, self.account.id()));
        }
        match self.account.users.iter().find(holds) {
            Some(user) => self.user(&user.name),
            None => self.demand("*".to_owned()),
        }
    }

    fn policy(&self, arn: &str) -> Demand {
        let demand = self.demand(arn.to_owned());
        match PolicyRef::from_arn(arn, self.account.id()) {
            Some(PolicyRef::Customer(key)) => match self.account.policies.by_key(&key) {
                Some(policy) => tagged(demand, &policy.tags),
                None => demand,
            },
            _ => demand,
        }
    }

    fn policy_arn(&self, policy: Option<&PolicyRef>) -> Option<String> {
        Some(match policy? {
            PolicyRef::Aws(name) => arn::aws_managed_policy(self.caller.partition, name),
            PolicyRef::Customer(key) => {
                let policy = self.account.policies.by_key(key)?;
                self.arn("policy", &policy.path, &policy.name)
            }
        })
    }
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

fn tagged(demand: Demand, tags: &Tags) -> Demand {
    demand
        .with_resource_tags(Some(RESOURCE_TAG), tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}
