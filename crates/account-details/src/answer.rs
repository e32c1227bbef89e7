//! The answer of the query protocol, page by page, as the JSON that the AWS CLI prints of it.

use percent_encoding::percent_decode_str;
use rolecall_aws_model::Element;

use crate::json::Json;

/// The lists of the answer, in the order in which they are printed.
const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
/// Lists within them.
const INNER_LISTS: [&str; 9] = [
    "UserPolicyList",
    "GroupPolicyList",
    "RolePolicyList",
    "GroupList",
    "AttachedManagedPolicies",
    "InstanceProfileList",
    "Roles",
    "PolicyVersionList",
    "Tags",
];
const STRUCTURES: [&str; 2] = ["RoleLastUsed", "PermissionsBoundary"];
const DOCUMENTS: [&str; 3] = ["PolicyDocument", "AssumeRolePolicyDocument", "Document"];
const TRUTHS: [&str; 2] = ["IsAttachable", "IsDefaultVersion"];
const NUMBERS: [&str; 2] = ["AttachmentCount", "PermissionsBoundaryUsageCount"];

/// Pages of the answer, joined.
#[derive(Debug, Default)]
pub struct Pages {
    lists: [Vec<Json>; 4],
    verbatim: bool,
}

impl Pages {
    /// Pages that keep documents as they came, URL-encoded: places in them are those of the stored text.
    #[must_use]
    pub fn verbatim() -> Self {
        Self { verbatim: true, ..Self::default() }
    }

    /// Takes in a page, an answer in XML. Gives the marker of the next page, if there is one.
    ///
    /// # Errors
    /// When it is no such answer.
    pub fn add(&mut self, xml: &[u8]) -> Result<Option<String>, NoAnswer> {
        let root = Element::parse(xml).ok_or(NoAnswer)?;
        let page = root.child("GetAccountAuthorizationDetailsResult").ok_or(NoAnswer)?;
        for (list, name) in self.lists.iter_mut().zip(LISTS) {
            list.extend(page.members(name).map(|member| structure(member, self.verbatim)));
        }
        let more = page.text("IsTruncated") == Some("true");
        Ok(page.text("Marker").filter(|_| more).map(str::to_owned))
    }

    /// All of them, as one answer.
    pub fn joined(self) -> Json {
        let lists = LISTS.iter().zip(self.lists).map(|(name, list)| ((*name).to_owned(), Json::List(list)));
        Json::Object(lists.collect())
    }
}

/// It is no answer of the operation.
#[derive(Debug, thiserror::Error)]
#[error("it is no answer of GetAccountAuthorizationDetails")]
pub struct NoAnswer;

fn structure(element: &Element, verbatim: bool) -> Json {
    let members = element.children().map(|child| (child.name().to_owned(), value(child, verbatim)));
    Json::Object(members.collect())
}

fn value(element: &Element, verbatim: bool) -> Json {
    let (name, text) = (element.name(), element.own_text());
    if INNER_LISTS.contains(&name) {
        return Json::List(element.all("member").map(|member| value(member, verbatim)).collect());
    }
    if element.children().next().is_some() || STRUCTURES.contains(&name) {
        return structure(element, verbatim);
    }
    let plain = || Json::Text(text.to_owned());
    if DOCUMENTS.contains(&name) && !verbatim {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        return serde_json::from_str(&decoded).unwrap_or_else(|_| plain());
    }
    match text {
        "true" | "false" if TRUTHS.contains(&name) => Json::Bool(text == "true"),
        _ if NUMBERS.contains(&name) => {
            text.parse::<i64>().map_or_else(|_| plain(), |n| Json::Number(n.into()))
        }
        _ => plain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_what_the_cli_prints() {
        let page = |lists: &str, more: &str| {
            format!(
                "<GetAccountAuthorizationDetailsResponse xmlns=\"x\"><GetAccountAuthorizationDetailsResult>{lists}\
                 {more}</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
            )
        };
        let first = page(
            "<UserDetailList><member><UserName>true</UserName><GroupList><member>g</member></GroupList><Tags/>\
             <UserPolicyList><member><PolicyName>p</PolicyName><PolicyDocument>%7B%22b%22%3A1%2C%22a%22%3A%5B%5D%7D</PolicyDocument>\
             </member></UserPolicyList></member></UserDetailList>",
            "<IsTruncated>true</IsTruncated><Marker>m</Marker>",
        );
        let second = page(
            "<UserDetailList/><Policies><member><AttachmentCount>2</AttachmentCount><IsAttachable>true</IsAttachable>\
             </member></Policies>",
            "<IsTruncated>false</IsTruncated>",
        );
        let mut pages = Pages::default();
        assert_eq!(pages.add(first.as_bytes()).unwrap().as_deref(), Some("m"));
        assert_eq!(pages.add(second.as_bytes()).unwrap(), None);
        let mut verbatim = Pages::verbatim();
        verbatim.add(first.as_bytes()).unwrap();
        let kept = serde_json::to_string(&verbatim.joined()).unwrap();
        assert!(kept.contains(r#""PolicyDocument":"%7B%22b%22%3A1%2C%22a%22%3A%5B%5D%7D""#), "{kept}");
        assert!(pages.add(b"<Other/>").is_err() && pages.add(b"no").is_err());
        assert_eq!(
            serde_json::to_string(&pages.joined()).unwrap(),
            r#"{"UserDetailList":[{"UserName":"true","GroupList":["g"],"Tags":[],"UserPolicyList":[{"PolicyName":"p","PolicyDocument":{"b":1,"a":[]}}]}],"GroupDetailList":[],"RoleDetailList":[],"Policies":[{"AttachmentCount":2,"IsAttachable":true}]}"#
        );
    }
}
