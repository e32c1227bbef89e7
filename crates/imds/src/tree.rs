//! What is at each path. Listings come of the same structure as what they list, and only the directories on a
//! path are made.

use std::borrow::Cow;

use bytes::Bytes;

use crate::facts::{InstanceFacts, Network};

/// The dated versions, all of which show the same tree.
// FIDELITY: on AWS each dated version shows the categories there were at its date.
const VERSIONS: [&str; 29] = [
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2021-07-15",
    "2022-09-24",
    "2024-04-11",
    "latest",
];

/// What a directory holds, made when it is looked into.
type Entries<'a> = fn(&'a InstanceFacts) -> Vec<Entry<'a>>;

/// What is at a path.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// Text, as it is.
    Text(Cow<'a, str>),
    /// User data.
    UserData(&'a Bytes),
    /// A listing.
    Directory(Entries<'a>),
    /// `iam/info`
    IamInfo,
    /// The credentials of the role of this name.
    Credentials(&'a str),
    /// The identity document or one of its signatures.
    Identity(Identity),
}

/// Forms of the instance identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Document,
    Signature,
    SignedMessage,
}

/// One line of a listing.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Its segment of a path.
    name: &'a str,
    /// How the listing shows it, where that is not its name, with a slash for a directory.
    shown: Option<Cow<'a, str>>,
    node: Node<'a>,
}

impl<'a> Entry<'a> {
    fn new(name: &'a str, node: Node<'a>) -> Self {
        Self { name, shown: None, node }
    }

    fn shown_as(mut self, shown: impl Into<Cow<'a, str>>) -> Self {
        self.shown = Some(shown.into());
        self
    }
}

/// Finds what is at an absolute path; `None` when there is nothing.
pub(crate) fn find<'a>(facts: &'a InstanceFacts, path: &str) -> Option<Node<'a>> {
    let mut segments = path.strip_prefix('/')?.split('/').filter(|segment| !segment.is_empty());
    let Some(version) = segments.next() else {
        return Some(Node::Directory(|_| VERSIONS.iter().map(|&version| text(version, "")).collect()));
    };
    if !VERSIONS.contains(&version) {
        return None;
    }
    segments.try_fold(Node::Directory(root), |node, segment| match node {
        Node::Directory(entries) => {
            entries(facts).into_iter().find(|entry| entry.name == segment).map(|entry| entry.node)
        }
        _ => None,
    })
}

/// The listing of a directory: one entry a line, and no line end after the last.
pub(crate) fn listing<'a>(facts: &'a InstanceFacts, entries: Entries<'a>) -> String {
    let mut lines = String::new();
    for (at, entry) in entries(facts).iter().enumerate() {
        if at > 0 {
            lines.push('\n');
        }
        lines.push_str(entry.shown.as_deref().unwrap_or(entry.name));
        if entry.shown.is_none() && matches!(entry.node, Node::Directory(_)) {
            lines.push('/');
        }
    }
    lines
}

fn text<'a>(name: &'a str, content: impl Into<Cow<'a, str>>) -> Entry<'a> {
    Entry::new(name, Node::Text(content.into()))
}

fn directory<'a>(name: &'a str, entries: Entries<'a>) -> Entry<'a> {
    Entry::new(name, Node::Directory(entries))
}

fn root(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let mut entries = vec![
        directory("dynamic", |_| vec![directory("instance-identity", |_| identity())]).shown_as("dynamic"),
        directory("meta-data", meta_data).shown_as("meta-data"),
    ];
    entries.extend(facts.user_data.as_ref().map(|data| Entry::new("user-data", Node::UserData(data))));
    entries
}

fn identity<'a>() -> Vec<Entry<'a>> {
    [
        ("document", Identity::Document),
        ("pkcs7", Identity::SignedMessage),
        ("rsa2048", Identity::SignedMessage),
        ("signature", Identity::Signature),
    ]
    .map(|(name, form)| Entry::new(name, Node::Identity(form)))
    .into()
}

/// The categories in AWS's order, which is that of the alphabet.
// FIDELITY: `managed-ssh-keys/`, `metrics/` and `identity-credentials/` are internal to AWS and left out.
fn meta_data(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let mut entries = vec![
        text("ami-id", &facts.image_id),
        text("ami-launch-index", facts.ami_launch_index.to_string()),
        text("ami-manifest-path", "(unknown)"),
        directory("block-device-mapping", |facts| {
            vec![text("ami", &facts.root_device_name), text("root", &facts.root_device_name)]
        }),
        directory("events", events),
        directory("hibernation", |_| vec![text("configured", "false")]),
        text("hostname", &facts.private_dns_name),
    ];
    entries.extend(facts.profile.is_some().then(|| directory("iam", iam)));
    entries.extend([
        text("instance-action", "none"),
        text("instance-id", &facts.instance_id),
        text("instance-life-cycle", "on-demand"),
        text("instance-type", &facts.instance_type),
        text("local-hostname", &facts.private_dns_name),
        text("local-ipv4", facts.network.private_ip.to_string()),
        text("mac", &facts.network.mac),
        directory("network", |_| vec![directory("interfaces", |_| vec![directory("macs", macs)])]),
        directory("placement", placement),
        text("profile", "default-hvm"),
    ]);
    entries.extend(facts.key_pair.is_some().then(|| directory("public-keys", public_keys)));
    entries.extend([
        text("reservation-id", &facts.reservation_id),
        text("security-groups", group_lines(facts, |group| &group.name)),
        directory("services", |facts| {
            vec![text("domain", &facts.services_domain), text("partition", &facts.partition)]
        }),
        text("system", "nitro"),
    ]);
    entries.extend(facts.options.tags.then(|| directory("tags", |_| vec![directory("instance", tags)])));
    entries
}

fn events(_: &InstanceFacts) -> Vec<Entry<'_>> {
    vec![
        directory("maintenance", |_| vec![text("history", "[]"), text("scheduled", "[]")]),
        directory("recommendations", |_| Vec::new()),
    ]
}

fn iam(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let mut entries = vec![Entry::new("info", Node::IamInfo)];
    entries.extend(role(facts).map(|_| directory("security-credentials", credentials)));
    entries
}

fn role(facts: &InstanceFacts) -> Option<&str> {
    facts.profile.as_ref()?.role_name.as_deref()
}

fn credentials(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    role(facts).map(|role| Entry::new(role, Node::Credentials(role))).into_iter().collect()
}

fn placement(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    vec![
        text("availability-zone", &facts.availability_zone),
        text("availability-zone-id", &facts.availability_zone_id),
        text("region", &facts.region),
    ]
}

fn public_keys(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let Some(key) = &facts.key_pair else { return Vec::new() };
    vec![directory("0", public_key).shown_as(format!("0={}", key.name))]
}

fn public_key(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let Some(key) = &facts.key_pair else { return Vec::new() };
    vec![text("openssh-key", format!("{}\n", key.openssh.trim_end()))]
}

fn tags(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    facts.tags.iter().map(|(key, value)| text(key, value)).collect()
}

fn group_lines<'a>(
    facts: &'a InstanceFacts,
    field: impl Fn(&'a crate::facts::SecurityGroup) -> &'a String,
) -> String {
    facts.security_groups.iter().map(|group| field(group).as_str()).collect::<Vec<_>>().join("\n")
}

fn macs(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    vec![directory(&facts.network.mac, interface)]
}

fn interface(facts: &InstanceFacts) -> Vec<Entry<'_>> {
    let Network { mac, private_ip, interface_id, subnet_id, subnet_cidr, vpc_id, vpc_cidr } = &facts.network;
    vec![
        text("device-number", "0"),
        text("interface-id", interface_id),
        text("local-hostname", &facts.private_dns_name),
        text("local-ipv4s", private_ip.to_string()),
        text("mac", mac),
        text("owner-id", &facts.account_id),
        text("security-group-ids", group_lines(facts, |group| &group.id)),
        text("security-groups", group_lines(facts, |group| &group.name)),
        text("subnet-id", subnet_id),
        text("subnet-ipv4-cidr-block", subnet_cidr),
        text("vpc-id", vpc_id),
        text("vpc-ipv4-cidr-block", vpc_cidr),
        text("vpc-ipv4-cidr-blocks", vpc_cidr),
    ]
}
