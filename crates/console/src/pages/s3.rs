//! S3 as the present principal sees it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use maud::{Markup, html};
use rolecall_aws_model::Element;

use crate::api::Refusal;
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::{Form, UPLOAD_LIMIT, escaped, escaped_key};
use crate::layout::{Field, alert, done, field, hidden, page, page_with};
use crate::reply::redirect;
use crate::visit::Visit;

/// How many objects a page lists.
const PAGE: usize = 200;

/// What of the room is asked for.
enum Place<'p> {
    Buckets,
    Bucket(&'p str),
}

/// `GET /console/s3` and what is below.
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Option<Response<Body>> {
    match visit.path().as_slice() {
        ["s3"] => Some(buckets(visit, html! {}).await),
        ["s3", bucket] => Some(objects(visit, bucket, html! {}).await),
        ["s3", bucket, "download"] => Some(download(visit, bucket).await),
        _ => None,
    }
}

/// `POST /console/s3` and what is below.
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, form: &Form) -> Option<Response<Body>> {
    let path = visit.path();
    let place = match path.as_slice() {
        ["s3"] => Place::Buckets,
        ["s3", bucket] => Place::Bucket(bucket),
        _ => return None,
    };
    let outcome = match (&place, form.fields.get("do")) {
        (Place::Buckets, "create") => {
            let name = form.fields.trimmed("bucket");
            put_bucket(visit, name).await.map(|()| format!("/console/s3/{}", escaped(name)))
        }
        (Place::Bucket(bucket), "delete-bucket") => {
            delete(visit, format!("/{}", escaped(bucket))).await.map(|()| "/console/s3".to_owned())
        }
        (Place::Bucket(bucket), "delete") => {
            let key = form.fields.get("key");
            delete(visit, object_path(bucket, key)).await.map(|()| listing(bucket, form.fields.get("prefix")))
        }
        (Place::Bucket(bucket), "upload") => return Some(upload(visit, bucket, form).await),
        _ => return None,
    };
    Some(match outcome {
        Ok(to) => redirect(&to),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            match place {
                Place::Buckets => buckets(visit, why).await,
                Place::Bucket(bucket) => objects(visit, bucket, why).await,
            }
        }
    })
}

fn object_path(bucket: &str, key: &str) -> String {
    format!("/{}/{}", escaped(bucket), escaped_key(key))
}

fn listing(bucket: &str, prefix: &str) -> String {
    format!("/console/s3/{}?prefix={}", escaped(bucket), escaped(prefix))
}

async fn put_bucket<B: Backend>(visit: &Visit<'_, B>, name: &str) -> Result<(), Refusal> {
    let path = format!("/{}", escaped(name));
    visit.s3(Method::PUT, path, HeaderMap::new(), Bytes::new()).await.map(drop)
}

async fn delete<B: Backend>(visit: &Visit<'_, B>, path: String) -> Result<(), Refusal> {
    visit.s3(Method::DELETE, path, HeaderMap::new(), Bytes::new()).await.map(drop)
}

async fn upload<B: Backend>(visit: &Visit<'_, B>, bucket: &str, form: &Form) -> Response<Body> {
    let prefix = form.fields.get("prefix");
    let Some(file) = form.upload.as_ref().filter(|file| !file.name.is_empty()) else {
        return objects(visit, bucket, alert("Choose a file first.")).await;
    };
    let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let key = format!("{prefix}{name}");
    let given = file.content_type.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    let content_type = given.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    match visit.s3(Method::PUT, object_path(bucket, &key), headers, file.bytes.clone()).await {
        Ok(_) => objects(visit, bucket, done(&format!("Uploaded {key}."))).await,
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            objects(visit, bucket, why).await
        }
    }
}

async fn download<B: Backend>(visit: &Visit<'_, B>, bucket: &str) -> Response<Body> {
    let key = visit.query.get("key");
    match visit.s3(Method::GET, object_path(bucket, key), HeaderMap::new(), Bytes::new()).await {
        Ok(mut response) => {
            // Whatever is in it is for the disk: a page of someone else's must not run as one of ours.
            let kept = response.headers().get(header::CONTENT_LENGTH).cloned();
            response.headers_mut().clear();
            let name = escaped(key.rsplit('/').next().unwrap_or("object"));
            let attachment = HeaderValue::try_from(format!("attachment; filename*=UTF-8''{name}"));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.extend(kept.map(|length| (header::CONTENT_LENGTH, length)));
            headers.extend(attachment.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
            response
        }
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            page_with(visit, refusal.status, key, html! { h1 { (key) } (why) })
        }
    }
}

async fn buckets<B: Backend>(visit: &Visit<'_, B>, message: Markup) -> Response<Body> {
    let answer = visit.s3_list("/".to_owned()).await;
    let status = answer.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let list = match &answer {
        Ok(answer) => bucket_table(answer),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        h1 { "Buckets" }
        (message)
        (list)
        details.new {
            summary { "Create a bucket" }
            form method="post" action="/console/s3" {
                (hidden(visit))
                input type="hidden" name="do" value="create";
                (field("Name", "bucket", "text", "", &Field {
                    required: true, hint: Some("3 to 63 lower-case letters, digits, hyphens and dots."),
                    ..Field::default()
                }))
                button.primary { "Create bucket" }
            }
        }
    };
    page_with(visit, status, "S3", content)
}

fn bucket_table(answer: &Element) -> Markup {
    let buckets: Vec<_> =
        answer.child("Buckets").map(|list| list.all("Bucket").collect()).unwrap_or_default();
    html! {
        @if buckets.is_empty() { p { "There are no buckets." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Buckets" {
                table.stacked {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Created" } } }
                    tbody {
                        @for bucket in buckets {
                            @let name = bucket.text("Name").unwrap_or_default();
                            tr {
                                th scope="row" { a href={ "/console/s3/" (escaped(name)) } { (name) } }
                                td.date data-label="Created" { (bucket.text("CreationDate").unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn objects<B: Backend>(visit: &Visit<'_, B>, bucket: &str, message: Markup) -> Response<Body> {
    let (prefix, after) = (visit.query.get("prefix"), visit.query.get("after"));
    let mut path =
        format!("/{}?list-type=2&delimiter=%2F&max-keys={PAGE}&prefix={}", escaped(bucket), escaped(prefix));
    if !after.is_empty() {
        path.push_str(&format!("&continuation-token={}", escaped(after)));
    }
    let answer = visit.s3_list(path).await;
    let status = answer.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let list = match &answer {
        Ok(answer) => object_table(visit, bucket, prefix, answer),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        (crumbs(bucket, prefix))
        (message)
        (list)
        details.new {
            summary { "Upload a file" }
            form method="post" enctype="multipart/form-data" action=(listing(bucket, prefix)) {
                (hidden(visit))
                input type="hidden" name="do" value="upload";
                input type="hidden" name="prefix" value=(prefix);
                (field("File", "file", "file", "", &Field { required: true, ..Field::default() }))
                p.hint { "At most " (UPLOAD_LIMIT / 1_048_576) " MiB here; the AWS CLI has no such limit." }
                button.primary { "Upload" }
            }
        }
        details.new {
            summary { "Delete this bucket" }
            form method="post" action={ "/console/s3/" (escaped(bucket)) } {
                (hidden(visit))
                input type="hidden" name="do" value="delete-bucket";
                p { "Only an empty bucket can be deleted." }
                button.danger { "Delete bucket " (bucket) }
            }
        }
    };
    if status == StatusCode::OK {
        page(visit, bucket, content)
    } else {
        page_with(visit, status, bucket, content)
    }
}

fn crumbs(bucket: &str, prefix: &str) -> Markup {
    let mut so_far = String::new();
    let mut folders = Vec::new();
    for part in prefix.split_inclusive('/') {
        so_far.push_str(part);
        folders.push((part.to_owned(), so_far.clone()));
    }
    html! {
        h1.crumbs {
            a href="/console/s3" { "Buckets" } " / "
            a href={ "/console/s3/" (escaped(bucket)) } { (bucket) }
            @for (name, path) in folders { " / " a href=(listing(bucket, &path)) { (name.trim_end_matches('/')) } }
        }
    }
}

fn object_table<B: Backend>(visit: &Visit<'_, B>, bucket: &str, prefix: &str, answer: &Element) -> Markup {
    let folders: Vec<_> =
        answer.all("CommonPrefixes").filter_map(|one| one.text("Prefix")).map(str::to_owned).collect();
    let objects: Vec<_> = answer.all("Contents").collect();
    let short = |key: &str| key.strip_prefix(prefix).unwrap_or(key).to_owned();
    html! {
        @if folders.is_empty() && objects.is_empty() { p { "There is nothing here." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Objects" {
                table.stacked {
                    thead { tr {
                        th scope="col" { "Name" } th.number scope="col" { "Bytes" }
                        th scope="col" { "Modified" } th scope="col" { span.sr { "Actions" } }
                    } }
                    tbody {
                        @for folder in &folders {
                            tr {
                                th scope="row" { a href=(listing(bucket, folder)) { (short(folder)) } }
                                td {} td {} td {}
                            }
                        }
                        @for object in &objects {
                            @let key = object.text("Key").unwrap_or_default();
                            tr {
                                th scope="row" {
                                    a href={ "/console/s3/" (escaped(bucket)) "/download?key=" (escaped(key)) } { (short(key)) }
                                }
                                td.number data-label="Bytes" { (object.text("Size").unwrap_or_default()) }
                                td.date data-label="Modified" { (object.text("LastModified").unwrap_or_default()) }
                                td {
                                    form method="post" action=(listing(bucket, prefix)) {
                                        (hidden(visit))
                                        input type="hidden" name="do" value="delete";
                                        input type="hidden" name="key" value=(key);
                                        input type="hidden" name="prefix" value=(prefix);
                                        button.danger aria-label={ "Delete " (key) } { "Delete" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(token) = answer.text("NextContinuationToken") {
            p { a href={ (listing(bucket, prefix)) "&after=" (escaped(token)) } { "More" } }
        }
    }
}
