//! The quotas of IAM and STS: AWS's defaults, changeable in the settings.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

macro_rules! quotas {
    ($($(#[$doc:meta])* $name:ident = $default:expr;)*) => {
        /// How many there may be of what.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Quotas {
            $($(#[$doc])* pub $name: usize,)*
        }

        impl Default for Quotas {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Quotas {
            /// The quotas' names, as the settings call them, with their defaults.
            pub const NAMES: &[(&str, usize)] = &[$((stringify!($name), $default),)*];

            /// Sets the quota of this name; false when there is none.
            pub fn set(&mut self, name: &str, value: usize) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

quotas! {
    /// Access keys of one user.
    access_keys_per_user = 2;
    /// Groups that one user may be in.
    groups_per_user = 10;
    /// Managed policies attached to one user.
    attached_policies_per_user = 10;
    /// Managed policies attached to one group.
    attached_policies_per_group = 10;
    /// Managed policies attached to one role.
    attached_policies_per_role = 10;
    /// Versions of one managed policy.
    versions_per_policy = 5;
    /// Characters of a managed policy, white space not counted.
    policy_size = 6_144;
    /// Characters of all inline policies of a user, white space not counted.
    user_policy_size = 2_048;
    /// Characters of all inline policies of a group, white space not counted.
    group_policy_size = 5_120;
    /// Characters of all inline policies of a role, white space not counted.
    role_policy_size = 10_240;
    /// Characters of a trust policy, white space not counted.
    trust_policy_size = 2_048;
    /// Tags of one entity.
    tags_per_entity = 50;
    /// Roles of one account.
    roles = 1_000;
    /// Users of one account.
    users = 5_000;
    /// Groups of one account.
    groups = 300;
    /// Customer managed policies of one account.
    policies = 1_500;
    /// Instance profiles of one account.
    instance_profiles = 1_000;
    /// MFA devices of one user.
    mfa_devices_per_user = 8;
    /// Public keys for SSH of one user.
    ssh_public_keys_per_user = 5;
    /// Signing certificates of one user.
    signing_certificates_per_user = 2;
    /// Server certificates of one account.
    server_certificates = 20;
    /// OpenID Connect providers of one account.
    oidc_providers = 100;
    /// Client ids of one OpenID Connect provider.
    client_ids_per_oidc_provider = 100;
    /// SAML providers of one account.
    saml_providers = 100;
    /// Delegation requests that one product provider has open; AWS's number is not published.
    delegation_requests = 1_000;
}
