//! The client side of rolecall: `assume` a role, lend one by `metadata`, and `whoami`, by the standard AWS configuration and
//! endpoint rules, so that both work against AWS itself as well as against a rolecall server.

mod arguments;
mod assume;
mod connection;
mod delivery;
mod error;
mod github;
mod metadata;
mod role;
mod session;
mod terminal;
mod web_identity;
mod whoami;

pub use arguments::{AssumeArgs, ConnectionArgs, Format, MetadataArgs, WhoamiArgs};
pub use assume::assume;
pub use error::ClientError;
pub use metadata::{Surroundings, metadata};
pub use terminal::{Ask, Terminal};
pub use whoami::whoami;
