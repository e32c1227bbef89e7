//! Which service a request is for: by credential scope, by the parameters of the query protocol, or
//! by its path.

use std::sync::Arc;

use http::Method;
use http::request::Parts;
use rolecall_sigv4::{Family, Presented};

use crate::issuers::is_issuers;
use crate::services;

/// A service of AWS that is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// IAM
    Iam,
    /// STS
    Sts,
    /// EC2
    Ec2,
    /// S3
    S3,
    /// Access Analyzer
    AccessAnalyzer,
    /// CloudTrail
    CloudTrail,
    /// AWS Organizations
    Organizations,
    /// AWS Sign-In
    Signin,
    /// This program's own operations.
    Rolecall,
}

impl Service {
    /// The service that a credential scope names.
    pub(crate) fn of_scope(name: &str) -> Option<Self> {
        Some(match name {
            "iam" => Self::Iam,
            "sts" => Self::Sts,
            "ec2" => Self::Ec2,
            "s3" | "s3express" => Self::S3,
            "access-analyzer" => Self::AccessAnalyzer,
            "cloudtrail" => Self::CloudTrail,
            "organizations" => Self::Organizations,
            "signin" => Self::Signin,
            "rolecall" => Self::Rolecall,
            _ => return None,
        })
    }

    /// The service whose API has this version.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        Some(match version {
            rolecall_aws_model::iam::VERSION => Self::Iam,
            rolecall_aws_model::sts::VERSION => Self::Sts,
            rolecall_aws_model::ec2::VERSION => Self::Ec2,
            _ => return None,
        })
    }

    /// The service's name, as endpoints and event sources have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Ec2 => "ec2",
            Self::S3 => "s3",
            Self::AccessAnalyzer => "access-analyzer",
            Self::CloudTrail => "cloudtrail",
            Self::Organizations => "organizations",
            Self::Signin => "signin",
            Self::Rolecall => "rolecall",
        }
    }

    /// The services that share this one's signature errors.
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Iam | Self::Sts => Family::Query,
            Self::Ec2 => Family::Ec2,
            Self::S3 => Family::S3,
            Self::AccessAnalyzer | Self::CloudTrail | Self::Organizations | Self::Signin | Self::Rolecall => {
                Family::Json
            }
        }
    }
}

/// Pages of the program itself, which need no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnPage {
    /// `GET /health`
    Health,
    /// `GET /metrics`
    Metrics,
    /// `GET /.oidc/…`
    Issuer,
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route {
    /// To a page of the program itself.
    Own(OwnPage),
    /// To an API of AWS's, or to the program's own.
    Api(ApiRoute),
}

/// To which API a request goes, and with what proof.
#[derive(Debug)]
pub(crate) enum ApiRoute {
    /// To the service that its scope names, with the proof that it presents.
    Signed(Service, Box<Presented>),
    /// To a service that is not answered here.
    Unknown(Arc<str>),
    /// A query-protocol request without a proof.
    UnsignedQuery,
    /// A request of AWS Sign-In without a signature: it carries other proofs.
    UnsignedSignin,
    /// Anything else without a proof: S3 lets anyone ask.
    UnsignedS3,
}

/// Routes a request whose proof was read.
pub(crate) fn route(parts: &Parts, presented: Option<Presented>) -> Route {
    if let Some(presented) = presented {
        return match Service::of_scope(&presented.scope.service) {
            Some(service) => Route::Api(ApiRoute::Signed(service, Box::new(presented))),
            None => Route::Api(ApiRoute::Unknown(presented.scope.service.clone())),
        };
    }
    match (parts.uri.path(), &parts.method) {
        ("/health", &Method::GET) => Route::Own(OwnPage::Health),
        ("/metrics", &Method::GET) => Route::Own(OwnPage::Metrics),
        (path, &Method::GET) if is_issuers(path) => Route::Own(OwnPage::Issuer),
        (services::TOKEN_PATH, &Method::POST) => Route::Api(ApiRoute::UnsignedSignin),
        ("/", &Method::POST) => Route::Api(ApiRoute::UnsignedQuery),
        ("/", &Method::GET) if parts.uri.query().is_some_and(|query| query.contains("Action=")) => {
            Route::Api(ApiRoute::UnsignedQuery)
        }
        _ => Route::Api(ApiRoute::UnsignedS3),
    }
}
