//! Every setting there is: its name in the file, its variable, its default and what it does. The
//! reference page is made from this table.

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Its dotted name in the settings file.
    pub(crate) key: &'static str,
    /// Its value when nothing sets it; empty where there is none.
    pub(crate) default: &'static str,
    /// What it does, in a sentence.
    pub(crate) about: &'static str,
}

impl Setting {
    /// The environment variable: `sts.min_session_seconds` is `ROLECALL_STS_MIN_SESSION_SECONDS`.
    pub(crate) fn variable(&self) -> String {
        format!("ROLECALL_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

const fn setting(key: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, default, about }
}

/// All settings, in the order in which they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("listen", "127.0.0.1:4566", "Address and port of the one endpoint; port 0 takes a free one."),
    setting(
        "public_url",
        "",
        "The address under which others find this server, where it is not the one it listens on: tokens that it signs name it.",
    ),
    setting("data", "./rolecall-data", "The data directory."),
    setting("store", "embedded", "Where the state is kept: `embedded`, or `etcd://HOST:PORT,…/PREFIX`."),
    setting(
        "store_staleness_seconds",
        "5",
        "On etcd: a node that has not known for so long whether it is behind refuses to answer.",
    ),
    setting("etcd.user", "", "The user to sign in to etcd as, where it asks for one."),
    setting("etcd.password_file", "", "The file with that user's password."),
    setting("etcd.ca_file", "", "The authority of etcd's certificates (PEM), for `etcds://`."),
    setting("etcd.certificate_file", "", "This node's certificate for etcd (PEM), where it asks for one."),
    setting("etcd.key_file", "", "The private key of that certificate (PEM)."),
    setting("etcd.server_name", "", "The name in etcd's certificates, when it is not the endpoint's."),
    setting("account", "123456789012", "The account that the first start makes."),
    setting("region", "us-east-1", "The region of the endpoint, of its buckets and its instances."),
    setting("log.format", "text", "`text` for people or `json` for collectors."),
    setting(
        "log.level",
        "info",
        "`error`, `warn`, `info`, `debug` or `trace`; a request is one line at `info`.",
    ),
    setting("master_key_file", "", "The file of the master key; `DATA/master-key` where unset."),
    setting(
        "master_key_command",
        "",
        "A command of the shell that prints the master key, in place of a file.",
    ),
    setting("sts.min_session_seconds", "900", "The shortest session that STS hands out; AWS's is 900."),
    setting("sts.key_rotation_seconds", "86400", "How long a session key seals new sessions."),
    setting(
        "sts.token_key_rotation_seconds",
        "2592000",
        "How long a key signs the tokens that STS makes for others.",
    ),
    setting(
        "oidc.allow_loopback_http",
        "false",
        "Whether OpenID Connect issuers may be on this machine and without TLS, for tests.",
    ),
    setting(
        "oidc.allow_private_networks",
        "false",
        "Whether OpenID Connect issuers may be on a private network, and have a port.",
    ),
    setting(
        "oidc.keys_file",
        "",
        "The TOML file with the keys of OpenID Connect issuers that are not to be asked for them.",
    ),
    setting("http.max_connections", "1024", "Connections open at one time; more wait."),
    setting("http.header_timeout_seconds", "10", "How long a client may take to send its request's head."),
    setting("http.body_timeout_seconds", "60", "How long a client may pause while it sends a body."),
    setting("http.max_header_bytes", "65536", "The largest head of a request."),
    setting(
        "http.max_body_bytes",
        "1048576",
        "The largest body of an API request; S3 objects are not bound by it.",
    ),
    setting(
        "rate.per_source",
        "0",
        "Requests in a second that one address may make, twice as many after a pause; 0 for no limit.",
    ),
    setting(
        "rate.per_principal",
        "0",
        "Requests in a second that one user or role may make, twice as many after a pause; 0 for no limit.",
    ),
    setting(
        "tls.certificate_file",
        "",
        "The certificate chain to serve with (PEM): the endpoint is https then.",
    ),
    setting("tls.key_file", "", "The private key of that certificate (PEM)."),
    setting(
        "tls.client_authority_file",
        "",
        "Who must have signed the certificates of clients (PEM); clients need none where unset.",
    ),
    setting("metrics.token", "", "A bearer token that opens `/metrics` from beyond loopback."),
    setting(
        "instances.driver",
        "auto",
        "`namespace`, `metadata-only`, `auto` for the best that the machine has, or `off`.",
    ),
    setting(
        "instances.shown",
        "",
        "Directories of this machine that instances see beside the system's, read-only; colons between.",
    ),
    setting(
        "imds.credential_seconds",
        "21600",
        "How long the credentials that an instance gets are good for.",
    ),
    setting("audit.recent", "4096", "How many recent requests stay in memory, ready to be explained."),
    setting("audit.file_bytes", "67108864", "The size at which the audit trail starts a new file."),
    setting("audit.files", "8", "How many files of the audit trail are kept."),
    setting(
        "delegation.file",
        "",
        "The TOML file that declares product providers and their policy templates for temporary delegation.",
    ),
    setting(
        "role_templates.file",
        "",
        "The TOML file that declares the templates that AcquireRole makes roles of.",
    ),
    setting("quotas.access_keys_per_user", "2", "Access keys of one user."),
    setting("quotas.groups_per_user", "10", "Groups that one user may be in."),
    setting("quotas.attached_policies_per_user", "10", "Managed policies attached to one user."),
    setting("quotas.attached_policies_per_group", "10", "Managed policies attached to one group."),
    setting(
        "quotas.attached_policies_per_role",
        "10",
        "Managed policies attached to one role; AWS raises it to 25.",
    ),
    setting("quotas.versions_per_policy", "5", "Versions of one managed policy."),
    setting("quotas.policy_size", "6144", "Characters of a managed policy, white space not counted."),
    setting("quotas.user_policy_size", "2048", "Characters of all inline policies of a user."),
    setting("quotas.group_policy_size", "5120", "Characters of all inline policies of a group."),
    setting("quotas.role_policy_size", "10240", "Characters of all inline policies of a role."),
    setting("quotas.trust_policy_size", "2048", "Characters of a trust policy; AWS raises it to 8192."),
    setting("quotas.tags_per_entity", "50", "Tags of one entity."),
    setting("quotas.roles", "1000", "Roles of one account; AWS raises it to 5000."),
    setting("quotas.users", "5000", "Users of one account."),
    setting("quotas.groups", "300", "Groups of one account; AWS raises it to 500."),
    setting("quotas.policies", "1500", "Customer managed policies of one account; AWS raises it to 5000."),
    setting("quotas.instance_profiles", "1000", "Instance profiles of one account."),
    setting("quotas.mfa_devices_per_user", "8", "MFA devices of one user."),
    setting("quotas.ssh_public_keys_per_user", "5", "Public keys for SSH of one user."),
    setting("quotas.signing_certificates_per_user", "2", "Signing certificates of one user."),
    setting("quotas.server_certificates", "20", "Server certificates of one account."),
    setting("quotas.oidc_providers", "100", "OpenID Connect providers of one account."),
    setting("quotas.client_ids_per_oidc_provider", "100", "Client ids of one OpenID Connect provider."),
    setting("quotas.saml_providers", "100", "SAML providers of one account."),
    setting("quotas.delegation_requests", "1000", "Delegation requests that one product provider has open."),
];

/// The setting with this dotted name.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
