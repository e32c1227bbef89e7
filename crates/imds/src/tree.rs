//! What is at each path. Listings come of the same structure as what they list.

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

/// What is at a path.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    /// Text, as it is.
    Text(String),
    /// User data.
    UserData(Bytes),
    /// A listing.
    Directory(Vec<Entry>),
    /// `iam/info`
    IamInfo,
    /// The credentials of the role of this name.
    Credentials(String),
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
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// Its segment of a path.
    name: String,
    /// How the listing shows it.
    shown: String,
    node: Node,
}

impl Entry {
    /// Shown with a slash if it is a directory.
    fn new(name: impl Into<String>, node: Node) -> Self {
        let name = name.into();
        let slash = if matches!(node, Node::Directory(_)) { "/" } else { "" };
        Self { shown: format!("{name}{slash}"), name, node }
    }

    fn shown_as(mut self, shown: impl Into<String>) -> Self {
        self.shown = shown.into();
        self
    }
}

/// Finds what is at an absolute path; `None` when there is nothing.
pub(crate) fn find(facts: &InstanceFacts, path: &str) -> Option<Node> {
    let mut segments = path.strip_prefix('/')?.split('/').filter(|segment| !segment.is_empty());
    let Some(version) = segments.next() else {
        let versions = VERSIONS.iter().map(|&version| text(version, "")).collect();
        return Some(Node::Directory(versions));
    };
    if !VERSIONS.contains(&version) {
        return None;
    }
    segments.try_fold(root(facts), |node, segment| match node {
        Node::Directory(entries) => {
            entries.into_iter().find(|entry| entry.name == segment).map(|entry| entry.node)
        }
        _ => None,
    })
}

/// The listing of a directory: one entry a line, and no line end after the last.
pub(crate) fn listing(entries: &[Entry]) -> String {
    entries.iter().map(|entry| entry.shown.as_str()).collect::<Vec<_>>().join("\n")
}

fn text(name: &str, content: impl Into<String>) -> Entry {
    Entry::new(name, Node::Text(content.into()))
}

fn directory(name: &str, entries: Vec<Entry>) -> Entry {
    Entry::new(name, Node::Directory(entries))
}

fn root(facts: &InstanceFacts) -> Node {
    let mut entries = vec![
        directory("dynamic", vec![directory("instance-identity", identity())]).shown_as("dynamic"),
        directory("meta-data", meta_data(facts)).shown_as("meta-data"),
    ];
    if let Some(user_data) = &facts.user_data {
        entries.push(Entry::new("user-data", Node::UserData(user_data.clone())));
    }
    Node::Directory(entries)
}

fn identity() -> Vec<Entry> {
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
fn meta_data(facts: &InstanceFacts) -> Vec<Entry> {
    let InstanceFacts { network, .. } = facts;
    let root_device = facts.root_device_name.as_str();
    let mut entries = vec![
        text("ami-id", &facts.image_id),
        text("ami-launch-index", facts.ami_launch_index.to_string()),
        text("ami-manifest-path", "(unknown)"),
        directory("block-device-mapping", vec![text("ami", root_device), text("root", root_device)]),
        directory(
            "events",
            vec![
                directory("maintenance", vec![text("history", "[]"), text("scheduled", "[]")]),
                directory("recommendations", Vec::new()),
            ],
        ),
        directory("hibernation", vec![text("configured", "false")]),
        text("hostname", &facts.private_dns_name),
    ];
    entries.extend(iam(facts));
    entries.extend([
        text("instance-action", "none"),
        text("instance-id", &facts.instance_id),
        text("instance-life-cycle", "on-demand"),
        text("instance-type", &facts.instance_type),
        text("local-hostname", &facts.private_dns_name),
        text("local-ipv4", network.private_ip.to_string()),
        text("mac", &network.mac),
        directory("network", vec![directory("interfaces", vec![directory("macs", interfaces(facts))])]),
        directory("placement", placement(facts)),
        text("profile", "default-hvm"),
    ]);
    entries.extend(public_keys(facts));
    entries.extend([
        text("reservation-id", &facts.reservation_id),
        text("security-groups", group_lines(facts, |group| &group.name)),
        directory(
            "services",
            vec![text("domain", &facts.services_domain), text("partition", &facts.partition)],
        ),
        text("system", "nitro"),
    ]);
    entries.extend(tags(facts));
    entries
}

fn iam(facts: &InstanceFacts) -> Option<Entry> {
    let profile = facts.profile.as_ref()?;
    let mut entries = vec![Entry::new("info", Node::IamInfo)];
    if let Some(role) = &profile.role_name {
        let credentials = Entry::new(role, Node::Credentials(role.clone()));
        entries.push(directory("security-credentials", vec![credentials]));
    }
    Some(directory("iam", entries))
}

fn placement(facts: &InstanceFacts) -> Vec<Entry> {
    vec![
        text("availability-zone", &facts.availability_zone),
        text("availability-zone-id", &facts.availability_zone_id),
        text("region", &facts.region),
    ]
}

fn public_keys(facts: &InstanceFacts) -> Option<Entry> {
    let key = facts.key_pair.as_ref()?;
    let openssh = format!("{}\n", key.openssh.trim_end());
    let first = directory("0", vec![text("openssh-key", openssh)]).shown_as(format!("0={}", key.name));
    Some(directory("public-keys", vec![first]))
}

fn tags(facts: &InstanceFacts) -> Option<Entry> {
    if !facts.options.tags {
        return None;
    }
    let tags = facts.tags.iter().map(|(key, value)| text(key, value)).collect();
    Some(directory("tags", vec![directory("instance", tags)]))
}

fn group_lines<'a>(
    facts: &'a InstanceFacts,
    field: impl Fn(&'a crate::facts::SecurityGroup) -> &'a String,
) -> String {
    facts.security_groups.iter().map(|group| field(group).as_str()).collect::<Vec<_>>().join("\n")
}

fn interfaces(facts: &InstanceFacts) -> Vec<Entry> {
    let Network { mac, private_ip, interface_id, subnet_id, subnet_cidr, vpc_id, vpc_cidr } = &facts.network;
    let entries = vec![
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
    ];
    vec![directory(mac, entries)]
}
