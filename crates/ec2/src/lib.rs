//! EC2: instances with a role, and what of EC2 surrounds them.
//!
//! Handlers only write what is to be: an instance that is to run is `pending`. Whoever runs
//! instances follows the state, and writes down what became of them by [`observe`].

mod associations;
mod attributes;
mod console;
mod demands;
mod disks;
mod dispatch;
mod env;
mod error;
mod filters;
mod ids;
mod images;
mod instances;
mod key_pairs;
mod lifecycle;
mod metadata_options;
mod observe;
mod paging;
mod places;
mod run_instances;
mod tags;
mod user_data;
mod views;

pub use demands::demands;
pub use dispatch::{handle, is_handled};
pub use env::{ConsoleSource, Env};
pub use error::Ec2Error;
pub use observe::{forget, gone, lost, running, stopped, terminated};
pub use places::{Places, SUBNET_CIDR, VPC_CIDR};
pub use user_data::user_data;
pub use views::{image_architecture, interface_id, mac_address, private_dns_name};
