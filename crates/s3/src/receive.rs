//! The body of a request: small ones are read and checked before anything is decided, objects stay a
//! stream that is checked as it flows.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use s3s::dto;
use s3s::xml::{DeError, DeResult, Deserialize, Deserializer};

use rolecall_sigv4::{Decoded, PayloadDecoder, PayloadError, Trailers};

use crate::call::Call;
use crate::checksum;
use crate::fault::Fault;
use crate::operation::Operation;

/// How much a body may have.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveLimits {
    /// Of bodies that are XML or JSON.
    pub document_bytes: usize,
}

impl Default for ReceiveLimits {
    /// S3 takes 1,000 keys of 1,024 bytes in one `DeleteObjects`.
    fn default() -> Self {
        Self { document_bytes: 2 << 20 }
    }
}

/// A request with its body.
pub struct Received {
    pub(crate) call: Call,
    pub(crate) input: Input,
    pub(crate) body: Payload,
}

/// What of a body is part of what is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Plain,
    /// `DeleteObjects`.
    Deletions(Vec<Deletion>),
    /// The tags that an object is given, in a header or a document.
    ObjectTags(Vec<(String, String)>),
    /// `CreateBucket`.
    BucketConfiguration {
        location: Option<String>,
        tags: Vec<(String, String)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
}

pub(crate) type ByteSource = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadFailure>> + Send>>;

pub(crate) enum Payload {
    Document(Bytes),
    Object { bytes: ByteSource, length: Option<u64>, outcome: Arc<Outcome> },
}

/// What the end of a streamed body brought; set while the body flows.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) trailers: OnceLock<Trailers>,
    pub(crate) fault: OnceLock<Fault>,
}

/// Why a body stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadFailure {
    #[error("{0}")]
    Payload(#[from] PayloadError),
    #[error("the connection failed while the body was read")]
    Connection,
}

impl PayloadFailure {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Payload(error) => error.wire().into(),
            Self::Connection => PayloadError::Incomplete.wire().into(),
        }
    }
}

impl Received {
    pub(crate) async fn read<B>(
        call: Call,
        body: B,
        decoder: PayloadDecoder,
        length: Option<u64>,
        limits: ReceiveLimits,
    ) -> Result<Self, Fault>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let outcome = Arc::new(Outcome::default());
        let mut bytes = decoded(body, decoder, outcome.clone());
        if call.operation.streams_its_body() {
            let input = header_tags(&call)?;
            return Ok(Self { call, input, body: Payload::Object { bytes, length, outcome } });
        }
        let document = collect(&mut bytes, limits.document_bytes).await?;
        // Here the checksum is that of the object to be, not of the list of its parts.
        if call.operation != Operation::CompleteMultipartUpload {
            checksum::check_document(&call.parts.headers, &document, outcome.trailers.get())?;
        }
        let input = match call.operation {
            Operation::DeleteObjects => deletions(&document)?,
            Operation::PutObjectTagging => {
                Input::ObjectTags(tag_pairs(parse::<dto::Tagging>(&document)?.tag_set))
            }
            Operation::CreateBucket => bucket_configuration(&document)?,
            _ => header_tags(&call)?,
        };
        Ok(Self { call, input, body: Payload::Document(document) })
    }
}

/// Reads a whole body that is a document.
pub(crate) async fn read_document<B>(
    body: B,
    decoder: PayloadDecoder,
    limits: ReceiveLimits,
) -> Result<Bytes, Fault>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    let mut bytes = decoded(body, decoder, Arc::new(Outcome::default()));
    collect(&mut bytes, limits.document_bytes).await
}

/// Runs a body through its decoder, which ends the stream with an error if anything is wrong.
fn decoded<B>(body: B, decoder: PayloadDecoder, outcome: Arc<Outcome>) -> ByteSource
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    struct Flow<B> {
        body: Pin<Box<B>>,
        decoder: Option<PayloadDecoder>,
        input: Bytes,
        outcome: Arc<Outcome>,
    }
    let flow = Flow { body: Box::pin(body), decoder: Some(decoder), input: Bytes::new(), outcome };
    let stream = stream::try_unfold(flow, async |mut flow: Flow<B>| {
        loop {
            let Some(decoder) = &mut flow.decoder else { return Ok(None) };
            if let Decoded::Data(data) = decoder.decode(&mut flow.input)? {
                return Ok(Some((data, flow)));
            }
            match flow.body.frame().await {
                Some(Ok(frame)) => flow.input = frame.into_data().unwrap_or_default(),
                Some(Err(_)) => return Err(PayloadFailure::Connection),
                None => {
                    let trailers = flow.decoder.take().map(PayloadDecoder::finish).transpose()?;
                    // Set once: the decoder is gone now.
                    let _ = flow.outcome.trailers.set(trailers.unwrap_or_default());
                    return Ok(None);
                }
            }
        }
    });
    Box::pin(stream)
}

async fn collect(bytes: &mut ByteSource, most: usize) -> Result<Bytes, Fault> {
    let mut document = BytesMut::new();
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|failure| failure.fault())?;
        if document.len() + piece.len() > most {
            let message = "Your request was too big.";
            return Err(Fault::new("MaxMessageLengthExceeded", http::StatusCode::BAD_REQUEST, message)
                .with("MaxMessageLengthBytes", most.to_string()));
        }
        document.extend_from_slice(&piece);
    }
    Ok(document.freeze())
}

pub(crate) fn parse<'xml, T: Deserialize<'xml>>(document: &'xml Bytes) -> Result<T, Fault> {
    let mut deserializer = Deserializer::new(document);
    let parsed = T::deserialize(&mut deserializer).map_err(|_| Fault::malformed_xml())?;
    deserializer.expect_eof().map_err(|_| Fault::malformed_xml())?;
    Ok(parsed)
}

fn deletions(document: &Bytes) -> Result<Input, Fault> {
    let delete: dto::Delete = parse(document)?;
    if delete.objects.is_empty() || delete.objects.len() > 1_000 {
        return Err(Fault::malformed_xml());
    }
    let deletion =
        |object: dto::ObjectIdentifier| Deletion { key: object.key, version_id: object.version_id };
    Ok(Input::Deletions(delete.objects.into_iter().map(deletion).collect()))
}

fn bucket_configuration(document: &Bytes) -> Result<Input, Fault> {
    if document.is_empty() {
        return Ok(Input::BucketConfiguration { location: None, tags: Vec::new() });
    }
    let BucketConfiguration { location, tags } = parse(document)?;
    Ok(Input::BucketConfiguration { location, tags: tag_pairs(tags) })
}

/// The document of `CreateBucket`. The one of `s3s` passes over tags, which must not be lost.
#[derive(Default)]
struct BucketConfiguration {
    location: Option<String>,
    tags: dto::TagSet,
}

impl<'xml> Deserialize<'xml> for BucketConfiguration {
    fn deserialize(d: &mut Deserializer<'xml>) -> DeResult<Self> {
        let mut configuration = Self::default();
        d.named_element("CreateBucketConfiguration", |d| {
            d.for_each_element(|d, name| match name {
                b"LocationConstraint" if configuration.location.is_none() => {
                    configuration.location = Some(d.text(|text| Ok(text.to_owned()))?);
                    Ok(())
                }
                b"Tags" if configuration.tags.is_empty() => {
                    configuration.tags = d.list_content("Tag")?;
                    Ok(())
                }
                // Directory buckets, which are not built, have other elements.
                _ => Err(DeError::UnexpectedTagName),
            })
        })?;
        Ok(configuration)
    }
}

pub(crate) fn tag_pairs(tags: dto::TagSet) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect()
}

/// `x-amz-tagging`: the tags in the form of a query string.
fn header_tags(call: &Call) -> Result<Input, Fault> {
    let Some(header) = call.parts.headers.get("x-amz-tagging") else { return Ok(Input::Plain) };
    let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters \
                   without tag name duplicates.";
    let invalid = || Fault::invalid_argument(message, "x-amz-tagging", "");
    let text = header.to_str().map_err(|_| invalid())?;
    rolecall_sigv4::decode_query(text).map(Input::ObjectTags).ok_or_else(invalid)
}
