//! S3 Control, of which the tags of buckets are built: Terraform's AWS provider reads and writes them so.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html>

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use rolecall_sigv4::PayloadDecoder;
use s3s::dto;
use s3s::xml::{DeError, DeResult, Deserialize, Deserializer};

use crate::backend::{MAX_BUCKET_TAGS, check_tags};
use crate::demand::{Demand, Value};
use crate::fault::{self, Fault};
use crate::names::BucketName;
use crate::receive::{parse, read_document, tag_pairs};
use crate::service::{S3, S3Body, identify};

/// All of its paths begin with the API's version.
const VERSION_PATH: &str = "/v20180820/";
const TAGS_PATH: &str = "/v20180820/tags/";
const ACCOUNT_HEADER: &str = "x-amz-account-id";
const NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

/// Whether a request is for S3 Control. The header tells it from one for a bucket of the version's name.
pub fn is_control(parts: &Parts) -> bool {
    parts.uri.path().starts_with(VERSION_PATH) && parts.headers.contains_key(ACCOUNT_HEADER)
}

/// A request to S3 Control that is not decided.
pub struct ControlCall {
    bucket: BucketName,
    account: String,
    work: Work,
    demand: Demand,
}

/// One that was decided; [`ControlCall::decide`] is the only maker.
pub struct DecidedControl<P> {
    call: ControlCall,
    _proof: P,
}

enum Work {
    List,
    Tag(Vec<(String, String)>),
    Untag(Vec<String>),
}

impl Work {
    fn read(parts: &Parts, document: &Bytes) -> Result<Self, Fault> {
        match parts.method {
            Method::GET => Ok(Self::List),
            Method::POST => {
                let TagResource(tags) = parse(document)?;
                Ok(Self::Tag(tag_pairs(tags)))
            }
            Method::DELETE => {
                let pairs = rolecall_sigv4::decode_query(parts.uri.query().unwrap_or_default());
                let pairs = pairs.ok_or_else(|| invalid_uri(parts.uri.path()))?;
                let keys = pairs.into_iter().filter(|(name, _)| name == "tagKeys");
                Ok(Self::Untag(keys.map(|(_, key)| key).collect()))
            }
            _ => Err(Fault::not_implemented("S3 Control")),
        }
    }

    fn name_and_action(&self) -> (&'static str, &'static str) {
        match self {
            Self::List => ("ListTagsForResource", "s3:ListTagsForResource"),
            Self::Tag(_) => ("TagResource", "s3:TagResource"),
            Self::Untag(_) => ("UntagResource", "s3:UntagResource"),
        }
    }

    fn context(&self) -> Vec<(Cow<'static, str>, Value)> {
        let (mut context, keys) = match self {
            Self::List => return Vec::new(),
            Self::Tag(tags) => {
                let one = |(key, value): &(String, String)| {
                    (format!("aws:RequestTag/{key}").into(), Value::One(value.clone()))
                };
                (tags.iter().map(one).collect(), tags.iter().map(|(key, _)| key.clone()).collect())
            }
            Self::Untag(keys) => (Vec::new(), keys.clone()),
        };
        context.push(("aws:TagKeys".into(), Value::Many(keys)));
        context
    }
}

/// The document of `TagResource`.
struct TagResource(dto::TagSet);

impl<'xml> Deserialize<'xml> for TagResource {
    fn deserialize(d: &mut Deserializer<'xml>) -> DeResult<Self> {
        let mut tags = None;
        d.named_element("TagResourceRequest", |d| {
            d.for_each_element(|d, name| match name {
                b"Tags" if tags.is_none() => {
                    tags = Some(d.list_content("Tag")?);
                    Ok(())
                }
                _ => Err(DeError::UnexpectedTagName),
            })
        })?;
        tags.map(Self).ok_or(DeError::MissingField)
    }
}

impl ControlCall {
    /// The operation's name.
    pub fn operation(&self) -> &'static str {
        self.work.name_and_action().0
    }

    /// Puts what is demanded to `decider`, which returns its proof that it is allowed.
    ///
    /// # Errors
    /// The denial.
    pub fn decide<P>(
        self,
        decider: impl FnOnce(&Demand) -> Result<P, Fault>,
    ) -> Result<DecidedControl<P>, Fault> {
        let proof = decider(&self.demand)?;
        Ok(DecidedControl { call: self, _proof: proof })
    }
}

impl S3 {
    /// Reads a request to S3 Control, with its body.
    ///
    /// # Errors
    /// If it is not for the tags of a bucket, or the body is not what was signed.
    pub async fn control<B>(
        &self,
        parts: &Parts,
        body: B,
        decoder: PayloadDecoder,
    ) -> Result<ControlCall, Fault>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let document = read_document(body, decoder, self.limits()).await?;
        let bucket = tagged_bucket(parts.uri.path())?;
        let account = parts.headers.get(ACCOUNT_HEADER).and_then(|value| value.to_str().ok());
        let work = Work::read(parts, &document)?;
        let mut demand = Demand::on_bucket(work.name_and_action().1, &bucket, self.partition());
        demand.context = work.context();
        self.tell_of_bucket(&mut demand);
        Ok(ControlCall { account: account.unwrap_or_default().to_owned(), bucket, work, demand })
    }

    /// Does what was decided.
    pub async fn handle_control<P>(&self, decided: DecidedControl<P>, request_id: &str) -> Response<S3Body> {
        match self.carry_out(decided.call).await {
            Ok(Some(xml)) => respond(StatusCode::OK, S3Body::from(xml), request_id),
            Ok(None) => respond(StatusCode::NO_CONTENT, S3Body::empty(), request_id),
            Err(fault) => self.refuse_control(&fault, request_id),
        }
    }

    /// The answer to a request to S3 Control that goes no further.
    pub fn refuse_control(&self, fault: &Fault, request_id: &str) -> Response<S3Body> {
        respond(fault.status, S3Body::from(fault.to_control_xml(request_id)), request_id)
    }

    async fn carry_out(&self, call: ControlCall) -> Result<Option<String>, Fault> {
        let ControlCall { bucket, account, work, .. } = call;
        let bucket = self.disk().bucket(&bucket).filter(|bucket| bucket.facts().owner == account);
        let bucket = bucket.ok_or_else(|| {
            Fault::new("NoSuchResource", StatusCode::NOT_FOUND, "The specified resource doesn't exist.")
        })?;
        match work {
            Work::List => return Ok(Some(tags_xml(&bucket.facts().tags))),
            Work::Tag(given) => {
                let mut outcome = Ok(());
                let change = |known: &mut Vec<(String, String)>| outcome = merge(known, given);
                bucket.change_facts(|facts| change(&mut facts.tags)).await?;
                outcome?;
            }
            Work::Untag(keys) => {
                bucket.change_facts(|facts| facts.tags.retain(|(key, _)| !keys.contains(key))).await?;
            }
        }
        Ok(None)
    }
}

fn respond(status: StatusCode, body: S3Body, request_id: &str) -> Response<S3Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    identify(response.headers_mut(), request_id);
    response
}

/// All of the given tags, or none.
fn merge(known: &mut Vec<(String, String)>, given: Vec<(String, String)>) -> Result<(), Fault> {
    check_tags(&given, MAX_BUCKET_TAGS)?;
    let mut merged = known.clone();
    merged.retain(|(key, _)| given.iter().all(|(new, _)| new != key));
    merged.extend(given);
    check_tags(&merged, MAX_BUCKET_TAGS)?;
    *known = merged;
    Ok(())
}

fn tags_xml(tags: &[(String, String)]) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListTagsForResourceResult xmlns=\"{NAMESPACE}\"><Tags>"
    );
    for (key, value) in tags {
        xml.push_str("<Tag>");
        fault::element(&mut xml, "Key", key);
        fault::element(&mut xml, "Value", value);
        xml.push_str("</Tag>");
    }
    xml.push_str("</Tags></ListTagsForResourceResult>");
    xml
}

fn invalid_uri(path: &str) -> Fault {
    Fault::new("InvalidURI", StatusCode::BAD_REQUEST, "Couldn't parse the specified URI.").with("URI", path)
}

/// The bucket of `/v20180820/tags/arn:aws:s3:::BUCKET`.
fn tagged_bucket(path: &str) -> Result<BucketName, Fault> {
    let path = rolecall_sigv4::decode_path(path).ok_or_else(|| invalid_uri(path))?;
    let arn = path.strip_prefix(TAGS_PATH).ok_or_else(|| Fault::not_implemented("S3 Control"))?;
    match arn.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "s3", "", "", bucket] => BucketName::parse(bucket).ok_or_else(|| invalid_uri(&path)),
        ["arn", ..] => Err(Fault::not_implemented("S3 Control for other resources than buckets")),
        _ => Err(invalid_uri(&path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_are_tagged() {
        let code = |path: &str| tagged_bucket(path).map_err(|fault| fault.code);
        let bucket = BucketName::parse("my-bucket").unwrap();
        assert_eq!(code("/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Amy-bucket"), Ok(bucket.clone()));
        assert_eq!(code("/v20180820/tags/arn:aws:s3:::my-bucket"), Ok(bucket));
        assert_eq!(code("/v20180820/tags/arn:aws:s3:us-east-1:1:accesspoint/a"), Err("NotImplemented"));
        assert_eq!(code("/v20180820/jobs"), Err("NotImplemented"));
        assert_eq!(code("/v20180820/tags/my-bucket"), Err("InvalidURI"));
        assert_eq!(code("/v20180820/tags/arn:aws:s3:::UPPER"), Err("InvalidURI"));
    }

    #[test]
    fn tags_are_merged_whole_or_not_at_all() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let mut known = vec![pair("a", "1"), pair("b", "2")];
        merge(&mut known, vec![pair("b", "3"), pair("c", "")]).unwrap();
        assert_eq!(known, [pair("a", "1"), pair("b", "3"), pair("c", "")]);
        let many = (0..MAX_BUCKET_TAGS).map(|n| pair(&n.to_string(), "")).collect();
        assert_eq!(merge(&mut known, many).unwrap_err().code, "BadRequest");
        assert_eq!(merge(&mut known, vec![pair("d", ""), pair("d", "")]).unwrap_err().code, "InvalidTag");
        assert_eq!(known.len(), 3);
    }
}
