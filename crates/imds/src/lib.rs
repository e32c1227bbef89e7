//! The instance metadata service (IMDSv1 and v2) and the container credentials endpoint.
//!
//! Knows HTTP and AWS's forms, not where facts come from: [`InstanceSource`] and [`CredentialSource`]
//! say. See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html>.

mod cache;
mod container;
mod credentials;
mod der;
mod facts;
mod identity;
mod json;
mod page;
mod serve;
mod service;
mod timestamp;
mod token;
mod tree;

pub use container::{CONTAINER_PATH, ContainerCredentialSource, ContainerCredentials, ContainerToken};
pub use credentials::{
    CredentialFailure, CredentialRequest, CredentialSource, RoleCredentials, RoleDelivery,
};
pub use facts::{
    InstanceFacts, InstanceProfile, InstanceSource, KeyPair, MetadataOptions, Network, SecurityGroup,
};
pub use identity::{IdentitySigner, SignerError};
pub use page::Page;
pub use serve::{serve, serve_container};
pub use service::{Answer, Clock, Imds, ImdsParts, RENEW_BEFORE};
pub use token::{NoRandomness, TokenKey};
