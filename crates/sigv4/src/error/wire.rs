//! The one mapping from a refused proof to AWS's code, status and text, for each family of services.

use super::{ExpiresFault, Family, Mismatch, Missing, MissingQuery, SigError};
use crate::presented::FormKind;
use crate::text::hex;

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. \
                        Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const MISMATCH_S3: &str = "The request signature we calculated does not match the signature you provided. \
                           Check your key and signing method.";
const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                             Signature query string parameter or the Authorization header should be specified";
const MALFORMED_CREDENTIAL: &str =
    "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
const QUERY_PARAMETERS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                                X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                                X-Amz-Expires parameters.";
const EC2_AUTH_FAILURE: &str = "AWS was not able to validate the provided access credentials";

/// Whether an answer may show the canonical request, which helps the key's owner find a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// Only the sentence.
    Plain,
    /// The canonical request and the string to sign as well.
    Canonical,
}

/// What goes over the wire; the protocol's own envelope is put around it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// AWS's error code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// AWS's message.
    pub message: String,
    /// Further elements of S3's `Error`, in order.
    pub fields: Vec<(&'static str, String)>,
}

impl WireError {
    fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), fields: Vec::new() }
    }

    fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

impl SigError {
    /// What a service of `family` answers.
    pub fn wire(&self, family: Family, disclosure: Disclosure) -> WireError {
        match family {
            Family::S3 => s3(self, disclosure),
            Family::Query | Family::Ec2 | Family::Json => coral(self, family, disclosure),
        }
    }
}

/// The four codes that the families of other services spell differently.
#[derive(Clone, Copy)]
enum Coral {
    Incomplete,
    Mismatch,
    UnknownKey,
    ExpiredToken,
    MissingToken,
    RequestExpired,
    MalformedUri,
}

impl Coral {
    fn error(self, family: Family, message: impl Into<String>) -> WireError {
        let (code, status) = match (self, family) {
            (Self::Incomplete, Family::Json) => ("IncompleteSignatureException", 400),
            (Self::Incomplete, _) => ("IncompleteSignature", 400),
            (Self::Mismatch | Self::RequestExpired, Family::Json) => ("InvalidSignatureException", 400),
            (Self::Mismatch, Family::Ec2) => return WireError::new("AuthFailure", 401, EC2_AUTH_FAILURE),
            (Self::RequestExpired, Family::Ec2) => {
                return WireError::new("RequestExpired", 400, "Request has expired.");
            }
            (Self::Mismatch | Self::RequestExpired, _) => ("SignatureDoesNotMatch", 403),
            (Self::UnknownKey, Family::Json) => ("UnrecognizedClientException", 400),
            (Self::UnknownKey, Family::Ec2) => return WireError::new("AuthFailure", 401, EC2_AUTH_FAILURE),
            (Self::UnknownKey, _) => ("InvalidClientTokenId", 403),
            (Self::ExpiredToken, Family::Json) => ("ExpiredTokenException", 400),
            (Self::ExpiredToken, Family::Ec2) => {
                return WireError::new("RequestExpired", 400, "Request has expired.");
            }
            (Self::ExpiredToken, _) => ("ExpiredToken", 403),
            (Self::MissingToken, Family::Json) => ("MissingAuthenticationTokenException", 400),
            (Self::MissingToken, _) => ("MissingAuthenticationToken", 403),
            (Self::MalformedUri, Family::Json) => ("SerializationException", 400),
            (Self::MalformedUri, _) => ("MalformedQueryString", 400),
        };
        WireError::new(code, status, message)
    }
}

fn coral(error: &SigError, family: Family, disclosure: Disclosure) -> WireError {
    use SigError as E;
    let incomplete = |message: String| Coral::Incomplete.error(family, message);
    let mismatch = |message: String| Coral::Mismatch.error(family, message);
    match error {
        E::MissingAuthenticationToken => {
            Coral::MissingToken.error(family, "Request is missing Authentication Token")
        }
        E::UnknownMechanism { missing, authorization } | E::IncompleteHeader { missing, authorization } => {
            incomplete(format!("{}Authorization={authorization}", missing_sentences(*missing)))
        }
        // FIDELITY: no text of AWS's query services for two mechanisms is known; S3's is used.
        E::TwoMechanisms => incomplete(ONE_MECHANISM.to_owned()),
        E::NotKeyValue { part, authorization } => incomplete(format!(
            "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
        )),
        // FIDELITY: AWS's text for a repeated parameter is not known.
        E::DuplicateParameter { name, .. } => incomplete(format!("Duplicate '{name}' parameter.")),
        E::IncompleteQuery { missing } => incomplete(missing_query_sentences(*missing)),
        E::UnsupportedAlgorithm { got, .. } => {
            incomplete(format!("Unsupported AWS 'algorithm': '{got}' (only AWS4-HMAC-SHA256 for now). "))
        }
        E::MalformedCredential { credential, .. } => incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        )),
        // FIDELITY: AWS's text for an unreadable list of signed headers is not known.
        E::MalformedSignedHeaders { got, .. } => {
            incomplete(format!("Invalid 'SignedHeaders' parameter: '{got}'."))
        }
        E::WrongTerminator { got, .. } => mismatch(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'. "
        )),
        E::ScopeDateMismatch { scope_date, timestamp, .. } => mismatch(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{scope_date}' != '{}', from '{timestamp}'.",
            timestamp.date()
        )),
        E::WrongService { expected, .. } => {
            mismatch(format!("Credential should be scoped to correct service: '{expected}'. "))
        }
        E::WrongRegion { got, .. } => {
            mismatch(format!("Credential should be scoped to a valid region, not '{got}'. "))
        }
        E::MalformedDate { got, .. } => incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )),
        E::MalformedExpires(_) => incomplete("Invalid 'X-Amz-Expires' parameter.".to_owned()),
        E::HeadersNotSigned(names) => mismatch(format!(
            "{} must be a 'SignedHeader' in the AWS Authorization.",
            names.first().map(|name| header_title(name.as_str())).unwrap_or_default()
        )),
        E::Expired { timestamp, now, skew_seconds } => Coral::RequestExpired.error(
            family,
            format!(
                "Signature expired: {timestamp} is now earlier than {} ({now} - {} min.)",
                now.plus(-i64::from(*skew_seconds)),
                skew_seconds / 60
            ),
        ),
        E::NotYetCurrent { timestamp, now, skew_seconds } => Coral::RequestExpired.error(
            family,
            format!(
                "Signature not yet current: {timestamp} is still later than {} ({now} + {} min.)",
                now.plus(i64::from(*skew_seconds)),
                skew_seconds / 60
            ),
        ),
        E::PresignedExpired { expired, now, .. } => Coral::RequestExpired
            .error(family, format!("Signature expired: {expired} is now earlier than {now}")),
        E::MalformedUri => Coral::MalformedUri.error(family, "The query string is malformed."),
        // FIDELITY: other services take any value of this header as long as the signature covers it.
        E::MissingContentSha256 | E::InvalidContentSha256 => {
            incomplete("Invalid 'x-amz-content-sha256' header.".to_owned())
        }
        E::SignatureDoesNotMatch(strings) => mismatch(mismatch_message(strings, disclosure)),
        E::UnknownAccessKey { .. } | E::InvalidToken => {
            Coral::UnknownKey.error(family, "The security token included in the request is invalid.")
        }
        E::ExpiredToken => {
            Coral::ExpiredToken.error(family, "The security token included in the request is expired")
        }
    }
}

fn mismatch_message(strings: &Mismatch, disclosure: Disclosure) -> String {
    match disclosure {
        Disclosure::Plain => MISMATCH.to_owned(),
        Disclosure::Canonical => format!(
            "{MISMATCH}\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{}'\n",
            strings.canonical_request, strings.string_to_sign
        ),
    }
}

fn missing_sentences(missing: Missing) -> String {
    let Missing { credential, signature, signed_headers, date } = missing;
    let mut text = String::new();
    for (absent, name) in
        [(credential, "Credential"), (signature, "Signature"), (signed_headers, "SignedHeaders")]
    {
        if absent {
            text.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if date {
        text.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    text
}

fn missing_query_sentences(missing: MissingQuery) -> String {
    let MissingQuery { algorithm, credential, signature, signed_headers, date, expires: _ } = missing;
    let mut text = String::new();
    let parameters = [
        (algorithm, "X-Amz-Algorithm"),
        (credential, "X-Amz-Credential"),
        (signature, "X-Amz-Signature"),
        (signed_headers, "X-Amz-SignedHeaders"),
        (date, "X-Amz-Date"),
    ];
    for (_, name) in parameters.iter().filter(|(absent, _)| *absent) {
        text.push_str(&format!("AWS query-string parameters must include '{name}'. "));
    }
    text.push_str("Re-examine the query-string parameters.");
    text
}

fn header_title(name: &str) -> String {
    match name {
        "host" => "'Host' or ':authority'".to_owned(),
        "content-type" => "'Content-Type'".to_owned(),
        other => format!("'{other}'"),
    }
}

fn s3(error: &SigError, disclosure: Disclosure) -> WireError {
    use SigError as E;
    match error {
        E::MissingAuthenticationToken => WireError::new("AccessDenied", 403, "Access Denied"),
        E::UnknownMechanism { .. } => WireError::new(
            "InvalidRequest",
            400,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        E::TwoMechanisms => WireError::new("InvalidArgument", 400, ONE_MECHANISM).field("ArgumentName", "Authorization"),
        E::IncompleteHeader { missing, .. } => incomplete_s3(*missing),
        E::NotKeyValue { .. } | E::DuplicateParameter { form: FormKind::Header, .. } => {
            malformed(FormKind::Header, "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
        }
        E::DuplicateParameter { form: FormKind::Query, .. } | E::IncompleteQuery { .. } => {
            WireError::new("AuthorizationQueryParametersError", 400, QUERY_PARAMETERS)
        }
        E::UnsupportedAlgorithm { form: FormKind::Header, .. } => WireError::new(
            "InvalidRequest",
            400,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        E::UnsupportedAlgorithm { form: FormKind::Query, .. } => WireError::new(
            "AuthorizationQueryParametersError",
            400,
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"",
        ),
        E::MalformedCredential { form, .. } => malformed_credential(*form, MALFORMED_CREDENTIAL),
        // FIDELITY: S3's text for an unreadable list of signed headers is not known.
        E::MalformedSignedHeaders { form, .. } => malformed(*form, "the SignedHeaders list is mal-formed."),
        E::WrongTerminator { got, form } => malformed_credential(
            *form,
            &format!("incorrect terminal \"{got}\". This endpoint uses \"aws4_request\"."),
        ),
        E::ScopeDateMismatch { scope_date, timestamp, form } => scope_date_s3(scope_date, &timestamp.date(), *form),
        E::WrongService { got, expected, form } => malformed_credential(
            *form,
            &format!("incorrect service \"{got}\". This endpoint belongs to \"{expected}\"."),
        ),
        E::WrongRegion { got, expected, form } => {
            malformed_credential(*form, &format!("the region '{got}' is wrong; expecting '{expected}'"))
                .field("Region", &**expected)
        }
        E::MalformedDate { form: FormKind::Header, .. } => no_date_s3(),
        E::MalformedDate { form: FormKind::Query, .. } => WireError::new(
            "AuthorizationQueryParametersError",
            400,
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ),
        E::MalformedExpires(fault) => WireError::new("AuthorizationQueryParametersError", 400, expires_message(*fault)),
        E::HeadersNotSigned(names) => {
            let list: Vec<&str> = names.iter().map(http::HeaderName::as_str).collect();
            WireError::new("AccessDenied", 403, "There were headers present in the request which were not signed")
                .field("HeadersNotSigned", list.join(", "))
        }
        E::Expired { timestamp, now, skew_seconds } => skewed(*timestamp, *now, *skew_seconds),
        E::NotYetCurrent { timestamp, now, skew_seconds } => skewed(*timestamp, *now, *skew_seconds),
        E::PresignedExpired { expires_seconds, expired, now } => {
            WireError::new("AccessDenied", 403, "Request has expired")
                .field("X-Amz-Expires", expires_seconds.to_string())
                .field("Expires", expired.extended())
                .field("ServerTime", now.extended())
        }
        E::MalformedUri => WireError::new("InvalidURI", 400, "Couldn't parse the specified URI."),
        E::MissingContentSha256 => WireError::new(
            "InvalidRequest",
            400,
            "Missing required header for this request: x-amz-content-sha256",
        ),
        E::InvalidContentSha256 => WireError::new(
            "InvalidArgument",
            400,
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
             STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        )
        .field("ArgumentName", "x-amz-content-sha256"),
        E::SignatureDoesNotMatch(strings) => mismatch_s3(strings, disclosure),
        E::UnknownAccessKey { access_key_id } => WireError::new(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .field("AWSAccessKeyId", &**access_key_id),
        E::InvalidToken => {
            WireError::new("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
        }
        E::ExpiredToken => WireError::new("ExpiredToken", 400, "The provided token has expired."),
    }
}

fn malformed(form: FormKind, fault: &str) -> WireError {
    match form {
        FormKind::Header => WireError::new(
            "AuthorizationHeaderMalformed",
            400,
            format!("The authorization header is malformed; {fault}"),
        ),
        FormKind::Query => WireError::new("AuthorizationQueryParametersError", 400, fault),
    }
}

fn malformed_credential(form: FormKind, fault: &str) -> WireError {
    match form {
        FormKind::Header => malformed(form, fault),
        FormKind::Query => malformed(form, &format!("Error parsing the X-Amz-Credential parameter; {fault}")),
    }
}

fn incomplete_s3(missing: Missing) -> WireError {
    if missing.credential || missing.signature || missing.signed_headers {
        let fault =
            "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
        return malformed(FormKind::Header, fault);
    }
    no_date_s3()
}

fn no_date_s3() -> WireError {
    WireError::new("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
}

fn scope_date_s3(scope_date: &str, date: &str, form: FormKind) -> WireError {
    let all_digits = scope_date.len() == 8 && scope_date.bytes().all(|byte| byte.is_ascii_digit());
    let fault = if all_digits {
        format!(
            "Invalid credential date \"{scope_date}\". This date is not the same as X-Amz-Date: \"{date}\"."
        )
    } else {
        format!(
            "incorrect date format \"{scope_date}\". This date in the credential must be in the format \"yyyyMMdd\"."
        )
    };
    malformed_credential(form, &fault)
}

fn expires_message(fault: ExpiresFault) -> &'static str {
    match fault {
        ExpiresFault::NotANumber => "X-Amz-Expires should be a number",
        ExpiresFault::NotPositive => "X-Amz-Expires must be non-negative",
        ExpiresFault::TooLong => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        }
    }
}

fn skewed(timestamp: crate::Timestamp, now: crate::Timestamp, skew_seconds: u32) -> WireError {
    WireError::new(
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    )
    .field("RequestTime", timestamp.basic())
    .field("ServerTime", now.extended())
    .field("MaxAllowedSkewMilliseconds", (u64::from(skew_seconds) * 1_000).to_string())
}

fn mismatch_s3(strings: &Mismatch, disclosure: Disclosure) -> WireError {
    let error = WireError::new("SignatureDoesNotMatch", 403, MISMATCH_S3)
        .field("AWSAccessKeyId", &*strings.access_key_id);
    match disclosure {
        Disclosure::Plain => error,
        Disclosure::Canonical => error
            .field("StringToSign", &*strings.string_to_sign)
            .field("SignatureProvided", &*strings.provided)
            .field("StringToSignBytes", spaced_hex(&strings.string_to_sign))
            .field("CanonicalRequest", &*strings.canonical_request)
            .field("CanonicalRequestBytes", spaced_hex(&strings.canonical_request)),
    }
}

/// `41 57 53`: how S3 shows the bytes behind a string.
fn spaced_hex(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| hex(&[byte])).collect();
    bytes.join(" ")
}
