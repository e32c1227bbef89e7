//! Details as Terraform: a resource for each thing, and an `import` block that says which thing of the account it is.
//!
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::DetailsError;
use crate::file::{
    Answer, Attached, Boundary, GroupDetail, Inline, KeyAndValue, PolicyDetail, Profile, RoleDetail,
    UserDetail,
};
use crate::hcl::{Expression, block, quoted};
use crate::json::Json;
use crate::read::{SERVICE_ROLES, account, document, entity, is_aws};
use rolecall_policy::PolicyKind;

/// Roles that AWS makes and nobody else may change.
const RESERVED: &str = "/aws-reserved/";

/// Writes an answer of `GetAccountAuthorizationDetails` as Terraform.
///
/// # Errors
/// The first thing that is no good, by its ARN.
pub fn terraform(text: &str) -> Result<String, DetailsError> {
    let answer: Answer = serde_json::from_str(text)?;
    let account = account(&answer)?;
    let mut written = Written::default();
    written.out.push_str(&format!(
        "# The account {account}: `terraform plan` takes over what is there by the import blocks, and changes nothing.\n\n"
    ));
    let own = answer.policies.iter().filter(|policy| !is_aws(&policy.arn));
    own.clone().try_for_each(|policy| written.policy(policy))?;
    answer.group_detail_list.iter().try_for_each(|group| written.group(group))?;
    answer.user_detail_list.iter().try_for_each(|user| written.user(user))?;
    answer.role_detail_list.iter().try_for_each(|role| written.role(role))?;
    let trimmed = written.out.trim_end().len();
    written.out.truncate(trimmed);
    written.out.push('\n');
    Ok(written.out)
}

type Attributes<'a> = Vec<(&'a str, Expression)>;

#[derive(Default)]
struct Written {
    out: String,
    labels: BTreeSet<(&'static str, String)>,
    /// The label of each policy of the account, by its ARN.
    policies: BTreeMap<String, String>,
    /// The label of each group, by its name.
    groups: BTreeMap<String, String>,
}

/// A holder of policies: what its resources are called, what it is called in them, and its import id.
struct Holder<'a> {
    arn: &'a str,
    kind: &'static str,
    label: &'a str,
    name: &'a str,
}

impl Holder<'_> {
    fn reference(&self) -> Expression {
        Expression::Reference(format!("aws_iam_{}.{}.name", self.kind, self.label))
    }
}

impl Written {
    fn policy(&mut self, detail: &PolicyDetail) -> Result<(), DetailsError> {
        let version =
            detail.policy_version_list.iter().find(|version| version.version_id == detail.default_version_id);
        let version = version.ok_or_else(|| entity(&detail.arn, "its default version is not there"))?;
        let mut attributes = named(&detail.policy_name, &detail.path);
        if let Some(description) = &detail.description {
            attributes.push(("description", text(description)));
        }
        attributes.push(("policy", encoded(&detail.arn, &version.document, PolicyKind::Identity)?));
        // The details do not tell the tags of policies.
        let ignored = ["description", "tags", "tags_all"];
        let ignored = if detail.description.is_some() { &ignored[1..] } else { &ignored[..] };
        let label = self.resource("aws_iam_policy", &detail.policy_name, attributes, ignored, &detail.arn);
        self.policies.insert(detail.arn.clone(), label);
        Ok(())
    }

    fn group(&mut self, detail: &GroupDetail) -> Result<(), DetailsError> {
        let GroupDetail {
            group_name,
            group_id: _,
            arn,
            path,
            create_date: _,
            group_policy_list,
            attached_managed_policies,
        } = detail;
        let label = self.resource("aws_iam_group", group_name, named(group_name, path), &[], group_name);
        self.groups.insert(group_name.clone(), label.clone());
        let holder = Holder { arn, kind: "group", label: &label, name: group_name };
        self.inline(&holder, "aws_iam_group_policy", group_policy_list)?;
        self.attached(&holder, "aws_iam_group_policy_attachment", attached_managed_policies);
        Ok(())
    }

    fn user(&mut self, detail: &UserDetail) -> Result<(), DetailsError> {
        let UserDetail { user_name, user_id: _, arn, path, create_date: _, user_policy_list, .. } = detail;
        let mut attributes = named(user_name, path);
        attributes.extend(self.boundary(detail.permissions_boundary.as_ref()));
        attributes.extend(tags(&detail.tags));
        let label = self.resource("aws_iam_user", user_name, attributes, &[], user_name);
        let holder = Holder { arn, kind: "user", label: &label, name: user_name };
        self.inline(&holder, "aws_iam_user_policy", user_policy_list)?;
        self.attached(&holder, "aws_iam_user_policy_attachment", &detail.attached_managed_policies);
        self.membership(&holder, &detail.group_list)
    }

    fn membership(&mut self, user: &Holder<'_>, groups: &[String]) -> Result<(), DetailsError> {
        if groups.is_empty() {
            return Ok(());
        }
        let label = |name: &String| {
            let label = self.groups.get(name);
            let label = label.ok_or_else(|| entity(user.arn, format!("its group {name} is not there")))?;
            Ok::<_, DetailsError>(format!("aws_iam_group.{label}.name"))
        };
        let references = groups.iter().map(label).collect::<Result<_, _>>()?;
        let attributes = vec![("user", user.reference()), ("groups", Expression::References(references))];
        let id = format!("{}/{}", user.name, groups.join("/"));
        self.resource("aws_iam_user_group_membership", user.name, attributes, &[], &id);
        Ok(())
    }

    fn role(&mut self, detail: &RoleDetail) -> Result<(), DetailsError> {
        let RoleDetail { role_name, arn, path, .. } = detail;
        if let Some(service) = path.strip_prefix(SERVICE_ROLES) {
            self.linked_role(detail, service.trim_end_matches('/'));
            return Ok(());
        }
        if path.starts_with(RESERVED) {
            self.out.push_str(&format!(
                "# {}: AWS keeps this role, and nobody else can.\n\n",
                arn.replace('\n', " ")
            ));
            return Ok(());
        }
        let mut attributes = named(role_name, path);
        attributes.extend(self.boundary(detail.permissions_boundary.as_ref()));
        attributes.extend(tags(&detail.tags));
        let trust = encoded(arn, &detail.assume_role_policy_document, PolicyKind::Trust)?;
        attributes.push(("assume_role_policy", trust));
        // The details tell neither of them.
        let ignored = ["description", "max_session_duration"];
        let label = self.resource("aws_iam_role", role_name, attributes, &ignored, role_name);
        let holder = Holder { arn, kind: "role", label: &label, name: role_name };
        self.inline(&holder, "aws_iam_role_policy", &detail.role_policy_list)?;
        self.attached(&holder, "aws_iam_role_policy_attachment", &detail.attached_managed_policies);
        detail.instance_profile_list.iter().for_each(|profile| self.profile(&holder, profile));
        Ok(())
    }

    fn linked_role(&mut self, detail: &RoleDetail, service: &str) {
        let mut attributes = vec![("aws_service_name", text(service))];
        if let Some((_, suffix)) = detail.role_name.split_once('_') {
            attributes.push(("custom_suffix", text(suffix)));
        }
        attributes.extend(tags(&detail.tags));
        let kind = "aws_iam_service_linked_role";
        self.resource(kind, &detail.role_name, attributes, &["description"], &detail.arn);
    }

    fn profile(&mut self, role: &Holder<'_>, detail: &Profile) {
        let name = &detail.instance_profile_name;
        let mut attributes = named(name, &detail.path);
        attributes.push(("role", role.reference()));
        attributes.extend(tags(&detail.tags));
        self.resource("aws_iam_instance_profile", name, attributes, &[], name);
    }

    fn inline(
        &mut self,
        holder: &Holder<'_>,
        kind: &'static str,
        policies: &[Inline],
    ) -> Result<(), DetailsError> {
        for Inline { policy_name, policy_document } in policies {
            let attributes = vec![
                ("name", text(policy_name)),
                (holder.kind, holder.reference()),
                ("policy", encoded(holder.arn, policy_document, PolicyKind::Identity)?),
            ];
            let (label, id) =
                (format!("{}_{policy_name}", holder.label), format!("{}:{policy_name}", holder.name));
            self.resource(kind, &label, attributes, &[], &id);
        }
        Ok(())
    }

    fn attached(&mut self, holder: &Holder<'_>, kind: &'static str, policies: &[Attached]) {
        for Attached { policy_arn } in policies {
            let name = policy_arn.rsplit('/').next().unwrap_or_default();
            let attributes =
                vec![(holder.kind, holder.reference()), ("policy_arn", self.policy_reference(policy_arn))];
            let (label, id) = (format!("{}_{name}", holder.label), format!("{}/{policy_arn}", holder.name));
            self.resource(kind, &label, attributes, &[], &id);
        }
    }

    fn policy_reference(&self, arn: &str) -> Expression {
        match self.policies.get(arn) {
            Some(label) => Expression::Reference(format!("aws_iam_policy.{label}.arn")),
            None => text(arn),
        }
    }

    fn boundary(&self, boundary: Option<&Boundary>) -> Option<(&'static str, Expression)> {
        let arn = &boundary?.permissions_boundary_arn;
        Some(("permissions_boundary", self.policy_reference(arn)))
    }

    /// Writes a resource and where it comes from; gives its label.
    fn resource(
        &mut self,
        kind: &'static str,
        name: &str,
        attributes: Attributes<'_>,
        ignored: &[&str],
        import_id: &str,
    ) -> String {
        let label = self.label(kind, name);
        let ignored = match ignored {
            [] => Vec::new(),
            _ => {
                let names = ignored.iter().map(|name| (*name).to_owned()).collect();
                vec![("lifecycle", vec![("ignore_changes", Expression::References(names))])]
            }
        };
        let head = format!("resource {} {}", quoted(kind), quoted(&label));
        block(&mut self.out, &head, &attributes, &ignored);
        let from = [("to", Expression::Reference(format!("{kind}.{label}"))), ("id", text(import_id))];
        block(&mut self.out, "import", &from, &[]);
        label
    }

    /// A label that no other resource of the kind has.
    fn label(&mut self, kind: &'static str, name: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let mut base: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        if !base.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            base.insert(0, '_');
        }
        let mut label = base.clone();
        for number in 2.. {
            if self.labels.insert((kind, label.clone())) {
                break;
            }
            label = format!("{base}_{number}");
        }
        label
    }
}

fn text(text: &str) -> Expression {
    Expression::Text(text.to_owned())
}

fn named<'a>(name: &str, path: &str) -> Attributes<'a> {
    vec![("name", text(name)), ("path", text(path))]
}

fn tags(tags: &[KeyAndValue]) -> Option<(&'static str, Expression)> {
    let entries: Vec<_> = tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    (!entries.is_empty()).then_some(("tags", Expression::Map(entries)))
}

fn encoded(holder: &str, raw: &RawValue, kind: PolicyKind) -> Result<Expression, DetailsError> {
    let document = document(holder, raw, kind)?;
    let json: Json = serde_json::from_str(&document).map_err(|cause| entity(holder, cause.to_string()))?;
    Ok(Expression::Encoded(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "arn:aws:iam::123456789012";

    fn details() -> String {
        let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}]}"#;
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let date = r#""CreateDate":"2024-01-02T03:04:05+00:00""#;
        format!(
            r#"{{"UserDetailList":[
              {{"UserName":"Ann","UserId":"AIDA1234567890EXAMPLE","Arn":"{BASE}:user/Ann","Path":"/",{date},
                "UserPolicyList":[{{"PolicyName":"p.q","PolicyDocument":{document}}}],"GroupList":["readers"],
                "AttachedManagedPolicies":[{{"PolicyName":"ReadOnlyAccess","PolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}],
                "PermissionsBoundary":{{"PermissionsBoundaryArn":"{BASE}:policy/own/guard"}},"Tags":[{{"Key":"t","Value":"${{x}}"}}]}},
              {{"UserName":"1@x","UserId":"AIDA1234567890EXAMPLF","Arn":"{BASE}:user/1@x","Path":"/",{date}}},
              {{"UserName":"1=x","UserId":"AIDA1234567890EXAMPLG","Arn":"{BASE}:user/1=x","Path":"/",{date}}}],
            "GroupDetailList":[{{"GroupName":"readers","GroupId":"AGPA1234567890EXAMPLE","Arn":"{BASE}:group/readers",{date}}}],
            "RoleDetailList":[
              {{"RoleName":"robot","RoleId":"AROA1234567890EXAMPLE","Arn":"{BASE}:role/robot","Path":"/",{date},
                "AssumeRolePolicyDocument":{trust},"AttachedManagedPolicies":[{{"PolicyArn":"{BASE}:policy/own/guard"}}],
                "InstanceProfileList":[{{"InstanceProfileName":"box","InstanceProfileId":"AIPA1234567890EXAMPLE","Arn":"{BASE}:instance-profile/box",{date}}}]}},
              {{"RoleName":"AWSServiceRoleForAutoScaling_blue","RoleId":"AROA1234567890EXAMPLF","Arn":"{BASE}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_blue",
                "Path":"/aws-service-role/autoscaling.amazonaws.com/",{date},"AssumeRolePolicyDocument":{trust}}},
              {{"RoleName":"AWSReservedSSO_x","RoleId":"AROA1234567890EXAMPLG","Arn":"{BASE}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x",
                "Path":"/aws-reserved/sso.amazonaws.com/",{date},"AssumeRolePolicyDocument":{trust}}}],
            "Policies":[{{"PolicyName":"guard","PolicyId":"ANPA1234567890EXAMPLE","Arn":"{BASE}:policy/own/guard","Path":"/own/",{date},
                "DefaultVersionId":"v2","PolicyVersionList":[{{"VersionId":"v1","Document":{trust}}},{{"VersionId":"v2","Document":{document}}}]}},
              {{"PolicyName":"ReadOnlyAccess","PolicyId":"ANPAAWS4567890EXAMPLE","Arn":"arn:aws:iam::aws:policy/ReadOnlyAccess",{date},"DefaultVersionId":"v1"}}]}}"#
        )
    }

    #[test]
    fn each_thing_is_a_resource_that_is_imported() {
        let text = terraform(&details()).unwrap();
        for wanted in [
            "resource \"aws_iam_policy\" \"guard\" {\n  name = \"guard\"\n  path = \"/own/\"\n  policy = jsonencode({\n",
            "        Resource = \"arn:aws:s3:::b/$${aws:username}/*\"\n",
            "import {\n  to = aws_iam_policy.guard\n  id = \"arn:aws:iam::123456789012:policy/own/guard\"\n}\n",
            "  permissions_boundary = aws_iam_policy.guard.arn\n  tags = {\n    t = \"$${x}\"\n  }\n",
            "  to = aws_iam_user_policy.Ann_p_q\n  id = \"Ann:p.q\"\n",
            "  user       = aws_iam_user.Ann.name\n  policy_arn = \"arn:aws:iam::aws:policy/ReadOnlyAccess\"\n",
            "  id = \"Ann/arn:aws:iam::aws:policy/ReadOnlyAccess\"\n",
            "  user   = aws_iam_user.Ann.name\n  groups = [aws_iam_group.readers.name]\n",
            "  id = \"Ann/readers\"\n",
            "resource \"aws_iam_user\" \"_1_x\" {\n  name = \"1@x\"\n",
            "resource \"aws_iam_user\" \"_1_x_2\" {\n  name = \"1=x\"\n",
            "  lifecycle {\n    ignore_changes = [description, max_session_duration]\n  }\n",
            "  policy_arn = aws_iam_policy.guard.arn\n",
            "resource \"aws_iam_instance_profile\" \"box\" {\n  name = \"box\"\n  path = \"/\"\n  role = aws_iam_role.robot.name\n",
            "  aws_service_name = \"autoscaling.amazonaws.com\"\n  custom_suffix    = \"blue\"\n",
            "AWSReservedSSO_x: AWS keeps this role, and nobody else can.\n",
        ] {
            assert!(text.contains(wanted), "{wanted}\nis not in\n{text}");
        }
        assert_eq!(text.matches("\nresource ").count(), text.matches("\nimport {").count());
        assert!(!text.contains("\"aws_iam_policy\" \"ReadOnlyAccess\"") && !text.ends_with("\n\n"));
    }

    #[test]
    fn what_is_no_good_is_named() {
        let broken = details().replace("\"GroupList\":[\"readers\"]", "\"GroupList\":[\"none\"]");
        assert!(terraform(&broken).unwrap_err().to_string().contains("its group none is not there"));
        assert!(terraform("{}").unwrap_err().to_string().contains("there is nothing in it"));
    }
}
