//! Where instances run: one [`Driver`] gives each instance a place of its own and the sockets through
//! which it reaches its metadata service and the API.
//!
//! Two drivers: [`NamespaceDriver`] (Linux: user, mount, PID, network, UTS and IPC namespaces, no root
//! needed) and [`MetadataOnlyDriver`] (anywhere: a state and a loopback port). Sockets of an instance
//! are made *inside* its network namespace and handed to the one server process, so there is no
//! bridge, no veth pair and no proxy.
//!
//! A place to run programs, not a jail: an instance can read what its server's user can read below
//! the host directories shown to it.

mod console;
mod driver;
mod exec;
mod layout;
mod metadata_only;
mod spec;
mod tree;

#[cfg(target_os = "linux")]
pub mod client;
#[cfg(target_os = "linux")]
pub mod init;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod wire;

pub use driver::{
    Capabilities, Driver, DriverError, DriverKind, Exit, ExitWatch, FileSystem, Listeners, NotReattached,
    Running, Swept, Users,
};
pub use exec::{ExecControl, ExecIo, ExecRequest, ExecStatus, Executing, Output, TerminalSize, capture};
pub use layout::{Layout, SshAccess};
pub use metadata_only::{MetadataOnlyConfig, MetadataOnlyDriver};
#[cfg(target_os = "linux")]
pub use namespace::{NamespaceConfig, NamespaceDriver};
pub use spec::{Address, InstanceId, InstanceSpec, InvalidInstanceId, Limits, UserData};
