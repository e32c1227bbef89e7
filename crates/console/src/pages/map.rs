//! The map: who may become whom. Each line is an answer of the engine, asked as the simulator asks, so
//! that trust policy and the principal's own policies have both had their say.

mod drawing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use http::{Response, StatusCode};
use maud::{Markup, html};
use rolecall_aws_model::Element;
use serde_json::Value;

use crate::api::Refusal;
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::{escaped, unescaped};
use crate::layout::{Field, field, page_with};
use crate::trust::{statements, texts};
use crate::visit::Visit;

/// How many principals, and how many roles, a map shows: beyond, a search makes it smaller.
const MOST: usize = 40;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    User,
    Service,
    Provider,
    Role,
}

/// A node: its kind, and the ARN, service or provider that it stands for.
type Node = (Kind, String);

/// Who there is, and who may become whom.
#[derive(Default)]
struct Map {
    /// Users, services and providers.
    left: BTreeSet<Node>,
    roles: BTreeSet<Node>,
    edges: BTreeSet<(Node, Node)>,
    /// Whether there are more than are shown.
    cut: bool,
}

/// `GET /console/map`
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let made = make(visit).await;
    let status = made.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let content = match &made {
        Ok(map) => drawn(visit, map),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        h1 { "Who may become whom" }
        p { "A line leads from a principal to each role that it may assume: the role trusts it, and its own policies, "
            "boundaries and the organization's allow it. Follow a name to light up what it can reach." }
        form.filters method="get" action="/console/map" role="search" {
            (field("Name contains", "q", "search", visit.query.trimmed("q"), &Field::default()))
            button { "Search" }
        }
        (content)
    };
    page_with(visit, status, "Map", content)
}

async fn make<B: Backend>(visit: &Visit<'_, B>) -> Result<Map, Refusal> {
    let mut map = Map::default();
    let wanted = visit.query.trimmed("q").to_ascii_lowercase();
    let mut trusts = Vec::new();
    for (kind, operation, member, name) in
        [(Kind::User, "ListUsers", "Users", "UserName"), (Kind::Role, "ListRoles", "Roles", "RoleName")]
    {
        let answer = visit.query("iam", operation, &[("MaxItems", "1000")]).await?;
        let (all, more) = answer.into_list(&format!("{operation}Result"), member).unwrap_or_default();
        map.cut |= more.is_some();
        let fits = |one: &&Element| one.text(name).unwrap_or_default().to_ascii_lowercase().contains(&wanted);
        let mut fitting = all.iter().filter(fits);
        for one in fitting.by_ref().take(MOST) {
            let node = (kind, one.text("Arn").unwrap_or_default().to_owned());
            match kind {
                Kind::Role => {
                    trusts.push((
                        node.clone(),
                        one.text("AssumeRolePolicyDocument").unwrap_or_default().to_owned(),
                    ));
                    map.roles.insert(node);
                }
                _ => _ = map.left.insert(node),
            }
        }
        map.cut |= fitting.next().is_some();
    }
    for (role, trust) in trusts {
        for from in outside(&unescaped(&trust).unwrap_or_default()) {
            map.edges.insert((from.clone(), role.clone()));
            map.left.insert(from);
        }
    }
    for from in
        map.left.iter().filter(|(kind, _)| *kind == Kind::User).chain(&map.roles).cloned().collect::<Vec<_>>()
    {
        for to in reached(visit, &from.1, &map.roles).await? {
            map.edges.insert((from.clone(), (Kind::Role, to)));
        }
    }
    Ok(map)
}

/// The roles that a principal may assume, by the simulator.
async fn reached<B: Backend>(
    visit: &Visit<'_, B>,
    principal: &str,
    roles: &BTreeSet<Node>,
) -> Result<Vec<String>, Refusal> {
    let named: Vec<(String, &str)> = roles
        .iter()
        .enumerate()
        .map(|(at, (_, arn))| (format!("ResourceArns.member.{}", at + 1), arn.as_str()))
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut asked = vec![("PolicySourceArn", principal), ("ActionNames.member.1", "sts:AssumeRole")];
    asked.extend(named.iter().map(|(name, arn)| (name.as_str(), *arn)));
    let answer = visit.query("iam", "SimulatePrincipalPolicy", &asked).await?;
    let found = answer.child("SimulatePrincipalPolicyResult");
    let results = found.into_iter().flat_map(|found| found.members("EvaluationResults"));
    let allowed = results.filter(|one| one.text("EvalDecision") == Some("allowed"));
    let names = allowed.filter_map(|one| one.text("EvalResourceName"));
    Ok(names.filter(|name| *name != principal).map(str::to_owned).collect())
}

/// The services and providers that a trust policy admits.
fn outside(trust: &str) -> Vec<Node> {
    let statements = statements(trust);
    let allows = statements.iter().filter(|statement| statement.get("Effect") == Some(&Value::from("Allow")));
    let mut found = Vec::new();
    for principal in allows.filter_map(|statement| statement.get("Principal")) {
        for (name, kind) in [("Service", Kind::Service), ("Federated", Kind::Provider)] {
            found.extend(texts(principal.get(name)).into_iter().map(|text| (kind, text)));
        }
    }
    found
}

/// The last part of an ARN's path, or the whole name.
fn short(node: &Node) -> &str {
    node.1.rsplit('/').next().unwrap_or(&node.1)
}

impl Map {
    fn node(&self, name: &str) -> Option<&Node> {
        self.left.iter().chain(&self.roles).find(|(_, known)| known == name)
    }

    /// From which node each one that can be reached from `start` is come to first.
    fn reach<'m>(&'m self, start: &'m Node) -> BTreeMap<&'m Node, &'m Node> {
        let (mut from, mut next) = (BTreeMap::new(), VecDeque::from([start]));
        while let Some(node) = next.pop_front() {
            for (_, to) in self.edges.iter().filter(|(edge, _)| edge == node) {
                if to != start && !from.contains_key(to) {
                    from.insert(to, node);
                    next.push_back(to);
                }
            }
        }
        from
    }
}

fn drawn<B: Backend>(visit: &Visit<'_, B>, map: &Map) -> Markup {
    let start = map.node(visit.query.get("from"));
    let reach = start.map(|start| map.reach(start)).unwrap_or_default();
    let ways = reach.keys().map(|end| {
        let mut way = vec![*end];
        while let Some(before) = way.last().and_then(|node| reach.get(*node)) {
            way.push(*before);
        }
        way.reverse();
        way
    });
    html! {
        @if map.cut { p.fine { "Only the first " (MOST) " users and roles are shown: search for a part of their names." } }
        @if let Some(start) = start {
            section {
                h2 { (short(start)) " can become" }
                @if reach.is_empty() { p { "Nobody else." } }
                ul { @for way in ways { li { (way.iter().map(|node| short(node)).collect::<Vec<_>>().join(" → ")) } } }
            }
        }
        (drawing::draw(map, visit.query.trimmed("q"), start, &reach))
        details {
            summary { "The same as a list" }
            ul { @for (from, to) in &map.edges { li { (short(from)) " may become " a href=(room(to)) { (short(to)) } } } }
        }
    }
}

/// The page of what a node stands for.
fn room(node: &Node) -> String {
    match node.0 {
        Kind::User => format!("/console/iam/users/{}", escaped(short(node))),
        Kind::Role => format!("/console/iam/roles/{}", escaped(short(node))),
        Kind::Service | Kind::Provider => "/console/iam/providers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_over_several_roles() {
        let (user, a, b) =
            ((Kind::User, "u".to_owned()), (Kind::Role, "a".to_owned()), (Kind::Role, "b".to_owned()));
        let mut map = Map::default();
        map.edges.extend([(user.clone(), a.clone()), (a.clone(), b.clone()), (b.clone(), a.clone())]);
        let reach = map.reach(&user);
        assert_eq!((reach.get(&a), reach.get(&b)), (Some(&&user), Some(&&a)));
        assert_eq!(map.reach(&b).len(), 1);
    }

    #[test]
    fn services_and_providers_are_read_from_trust_policies() {
        let found = outside(
            r#"{"Statement": [{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"], "Federated": "arn:x"}},
                {"Effect": "Deny", "Principal": {"Service": "s3.amazonaws.com"}}, {"Effect": "Allow", "Principal": "*"}]}"#,
        );
        assert_eq!(
            found,
            [(Kind::Service, "ec2.amazonaws.com".to_owned()), (Kind::Provider, "arn:x".to_owned())]
        );
    }
}
