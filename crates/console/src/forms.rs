//! Reading queries and posted forms.

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The largest form without files, in bytes.
const FORM_LIMIT: usize = 1_048_576;
/// The largest file that a form may carry, in bytes.
pub(crate) const UPLOAD_LIMIT: u64 = 33_554_432;

/// Names and values, in their order.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of a query, or of a body of `application/x-www-form-urlencoded`.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(text)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a name; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value.as_str())
    }

    /// The first value of a name, without white space around it.
    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A file that came with a form.
pub(crate) struct Upload {
    /// The name that the browser gave it.
    pub(crate) name: String,
    /// Its content type, if the browser told one.
    pub(crate) content_type: Option<String>,
    /// What is in it.
    pub(crate) bytes: Bytes,
}

/// A posted form.
#[derive(Default)]
pub(crate) struct Form {
    /// Its fields.
    pub(crate) fields: Fields,
    /// Its file, if it has one.
    pub(crate) upload: Option<Upload>,
}

/// Why a form was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// It is longer than the limit.
    #[error("The form is larger than {0} bytes.")]
    TooLarge(u64),
    /// It ended early, or is none.
    #[error("The form can't be read.")]
    Broken,
}

/// Reads a posted form.
pub(crate) async fn read(headers: &HeaderMap, mut body: Incoming) -> Result<Form, FormError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if let Some(boundary) = content_type.and_then(|value| multer::parse_boundary(value).ok()) {
        return multipart(boundary, body).await;
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| FormError::Broken)?.into_data() else { continue };
        if bytes.len() + chunk.len() > FORM_LIMIT {
            return Err(FormError::TooLarge(FORM_LIMIT as u64));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Form { fields: Fields::parse(&bytes), upload: None })
}

async fn multipart(boundary: String, body: Incoming) -> Result<Form, FormError> {
    let chunks = stream::unfold(body, |mut body| async move {
        let frame = body.frame().await?;
        Some((frame.map(|frame| frame.into_data().unwrap_or_default()), body))
    });
    let limits = multer::SizeLimit::new().whole_stream(UPLOAD_LIMIT + FORM_LIMIT as u64);
    let constraints = multer::Constraints::new().size_limit(limits);
    let mut parts = multer::Multipart::with_constraints(chunks, boundary, constraints);
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(|error| failed(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file) => {
                let content_type = part.content_type().map(ToString::to_string);
                let bytes = part.bytes().await.map_err(|error| failed(&error))?;
                form.upload = Some(Upload { name: file, content_type, bytes });
            }
            None => form.fields.0.push((name, part.text().await.map_err(|error| failed(&error))?)),
        }
    }
    Ok(form)
}

fn failed(error: &multer::Error) -> FormError {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            FormError::TooLarge(UPLOAD_LIMIT)
        }
        _ => FormError::Broken,
    }
}

/// `text` for a path's segment or a query's value.
pub(crate) fn escaped(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

/// A key of S3's for a path: its slashes stay.
pub(crate) fn escaped_key(key: &str) -> String {
    key.split('/').map(escaped).collect::<Vec<_>>().join("/")
}

/// What [`escaped`] was made from; none when it is no text.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
