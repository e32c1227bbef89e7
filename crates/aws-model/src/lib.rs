//! The wire layer: what AWS's service models say about each API, as types.
//!
//! A service crate sees only types: [`iam::Request::parse`] turns the parameters of a request into
//! the operation's typed input, with every constraint of the model checked, and
//! [`iam::Response::to_xml`] turns its output into bytes. The modules below `generated` are written
//! by `cargo xtask generate`; nothing in them is edited by hand.
//!
//! ```
//! use rolecall_aws_model::sts::{GetCallerIdentityResponse, Operation, Request, Response};
//! use rolecall_aws_model::{QueryParams, WireError};
//!
//! fn answer(body: &[u8], request_id: &str) -> Result<String, WireError> {
//!     let params = QueryParams::parse(body).map_err(|error| error.wire())?;
//!     let name = params.get("Action").unwrap_or_default();
//!     let operation = Operation::from_name(name).ok_or_else(|| WireError::invalid_action(name, "2011-06-15"))?;
//!     let request = Request::parse(operation, &params).map_err(|error| error.wire())?;
//!     let response: Response = match request {
//!         Some(Request::GetCallerIdentity(_)) => {
//!             GetCallerIdentityResponse { account: Some("123456789012".into()), ..Default::default() }.into()
//!         }
//!         _ => return Err(WireError::not_implemented("sts", name)),
//!     };
//!     Ok(response.to_xml(request_id))
//! }
//!
//! let xml = answer(b"Action=GetCallerIdentity&Version=2011-06-15", "r-1").unwrap();
//! assert!(xml.contains("<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>"));
//! ```
//!
//! The JSON protocols go the same way from a [`JsonInput`] to [`organizations::Response::to_json`].

mod answer;
mod constraint;
mod error;
mod generated;
mod json;
mod json_input;
mod node;
mod operation;
mod query;
mod read;
mod render;
mod scan;
mod sensitive;
mod timestamp;
mod violations;
mod xml;

pub use answer::Element;
pub use error::{CommonError, Fault, Protocol, WireError};
pub use generated::{accessanalyzer, cloudtrail, ec2, iam, iam_toolbox, organizations, signin, sts};
pub use json_input::JsonInput;
pub use operation::Facts;
pub use query::{QueryError, QueryParams};
pub use scan::has_control_or;
pub use sensitive::Sensitive;
pub use timestamp::Timestamp;
pub use violations::{ValidationError, Violated};
