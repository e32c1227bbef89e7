//! Handing roles to services, and making service-linked roles, more widely than is prudent.

use rolecall_policy::PolicyKind;
use rolecall_service_reference::glob_matches;

use crate::code::IssueCode;
use crate::cursor::Place;
use crate::document::Policy;
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::statement::{Element, Statement};

/// How a statement comes to allow an action.
enum Reach {
    /// By its name.
    Named(Place),
    /// By a wildcard that takes it in.
    Wildcard(Place),
    /// By not being among the `NotAction`s.
    NotExcluded(Place),
}

/// The codes of one action's six checks.
struct Codes {
    action: &'static str,
    why: &'static str,
    star: IssueCode,
    star_in_action: IssueCode,
    star_and_not_action: IssueCode,
    not_resource: IssueCode,
    star_in_action_and_not_resource: IssueCode,
    not_action_and_not_resource: IssueCode,
}

const PASS_ROLE: Codes = Codes {
    action: "iam:PassRole",
    why: "so that any role can be handed to a service, an administrator's too. Name the roles",
    star: IssueCode::PassRoleWithStarInResource,
    star_in_action: IssueCode::PassRoleWithStarInActionAndResource,
    star_and_not_action: IssueCode::PassRoleWithStarInResourceAndNotAction,
    not_resource: IssueCode::PassRoleWithNotResource,
    star_in_action_and_not_resource: IssueCode::PassRoleWithStarInActionAndNotResource,
    not_action_and_not_resource: IssueCode::PassRoleWithNotActionAndNotResource,
};

const CREATE_SERVICE_LINKED_ROLE: Codes = Codes {
    action: "iam:CreateServiceLinkedRole",
    why: "so that service-linked roles of any service can be made. Name the roles",
    star: IssueCode::CreateSlrWithStarInResource,
    star_in_action: IssueCode::CreateSlrWithStarInActionAndResource,
    star_and_not_action: IssueCode::CreateSlrWithStarInResourceAndNotAction,
    not_resource: IssueCode::CreateSlrWithNotResource,
    star_in_action_and_not_resource: IssueCode::CreateSlrWithStarInActionAndNotResource,
    not_action_and_not_resource: IssueCode::CreateSlrWithNotActionAndNotResource,
};

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    let grants = matches!(policy.kind, PolicyKind::Identity);
    let (Some(actions), Some(resources)) = (&statement.action, &statement.resource) else { return };
    if !grants || !statement.allows() {
        return;
    }
    let limits_service = |key: &str| statement.conditions.iter().any(|condition| condition.is_key(key));
    if !limits_service("iam:PassedToService") {
        check_action(&PASS_ROLE, actions, resources, report);
    }
    if !limits_service("iam:AWSServiceName") {
        check_action(&CREATE_SERVICE_LINKED_ROLE, actions, resources, report);
    }
}

fn check_action(codes: &Codes, actions: &Element<'_>, resources: &Element<'_>, report: &mut Report) {
    let Some(reach) = reach(codes.action, actions) else { return };
    let wide = if resources.negated {
        Some(resources.key_place.clone())
    } else {
        resources.texts().into_iter().find(|(text, _)| is_wide(text)).map(|(_, cursor)| cursor.place())
    };
    let Some(wide) = wide else { return };
    let (code, place) = match (reach, resources.negated) {
        (Reach::Named(place), false) => (codes.star, place),
        (Reach::Named(place), true) => (codes.not_resource, place),
        (Reach::Wildcard(place), false) => (codes.star_in_action, place),
        (Reach::Wildcard(place), true) => (codes.star_in_action_and_not_resource, place),
        (Reach::NotExcluded(place), false) => (codes.star_and_not_action, place),
        (Reach::NotExcluded(place), true) => (codes.not_action_and_not_resource, place),
    };
    let details = format!("This allows {} on more than named resources, {}.", codes.action, codes.why);
    report.add_at(code, details, &[place, wide]);
}

fn reach(action: &str, actions: &Element<'_>) -> Option<Reach> {
    let texts = actions.texts();
    if actions.negated {
        let excluded = texts.iter().any(|(text, _)| glob_matches(text, action));
        return (!excluded).then(|| Reach::NotExcluded(actions.key_place.clone()));
    }
    let named = texts.iter().find(|(text, _)| text.eq_ignore_ascii_case(action));
    if let Some((_, cursor)) = named {
        return Some(Reach::Named(cursor.place()));
    }
    let wildcard = texts.iter().find(|(text, _)| has_wildcard(text) && glob_matches(text, action));
    wildcard.map(|(_, cursor)| Reach::Wildcard(cursor.place()))
}

/// Whether a resource takes in roles of any name. A star after some of the name is a convention of services that put
/// theirs first, and AWS lets it pass.
fn is_wide(resource: &str) -> bool {
    let Some(path) = resource.splitn(6, ':').nth(5) else { return resource.ends_with('*') };
    let is_iam = resource.split(':').nth(2).is_some_and(|service| glob_matches(service, "iam"));
    let name = path.strip_prefix("role/").unwrap_or(path);
    is_iam && (name.starts_with('*') || path == "role*") && glob_matches(path, "role/anything")
}
