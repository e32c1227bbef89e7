//! The pages, a module for each room.

pub(crate) mod activity;
pub(crate) mod authorize;
pub(crate) mod federation;
pub(crate) mod home;
pub(crate) mod iam;
pub(crate) mod instances;
pub(crate) mod map;
pub(crate) mod root_user;
pub(crate) mod s3;
pub(crate) mod sign_in;
pub(crate) mod simulator;
pub(crate) mod switch_role;
