//! A client of STS by the standard rules: variables, `~/.aws/config` and `credentials`, profiles that
//! assume roles, `credential_process`, web identity, containers, instances.

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::ConnectionArgs;

/// STS answers for every region at this one, so nobody needs to configure a region to use a role.
const FALLBACK_REGION: &str = "us-east-1";

/// A client of one STS endpoint.
pub(crate) struct Connection {
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) region: String,
    /// The endpoint that a flag gave, which a command run as the role must be told.
    pub(crate) endpoint_flag: Option<String>,
    /// The endpoint in use, for messages.
    pub(crate) endpoint: String,
}

impl Connection {
    pub(crate) async fn open(args: &ConnectionArgs) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
        loader = loader.region(region_rules(args));
        if let Some(profile) = &args.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &args.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let region = config.region().map_or_else(|| FALLBACK_REGION.to_owned(), ToString::to_string);
        Self {
            endpoint_flag: args.endpoint_url.clone(),
            endpoint: config.endpoint_url().unwrap_or("its AWS endpoint").to_owned(),
            region,
            sts: aws_sdk_sts::Client::new(&config),
        }
    }
}

/// Flag, variable, profile, then the fallback; an instance's metadata is not asked for it, since
/// that would cost seconds wherever there is no such service.
fn region_rules(args: &ConnectionArgs) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &args.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(args.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .or_else(Region::new(FALLBACK_REGION))
}

/// HTTP and HTTPS with `ring`, the one cryptographic provider of the program.
pub(crate) fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
