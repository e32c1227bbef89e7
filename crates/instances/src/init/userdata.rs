//! User data, as cloud-init treats a shell script: run once for an instance, as root, late in the
//! first boot, its output to the console and to `/var/log/cloud-init-output.log`.

use std::io;
use std::path::{Path, PathBuf};

use super::{Plan, files};

/// What is to be done about user data at this boot.
pub(super) enum UserDataStep {
    /// Nothing, and why, if there is anything to say.
    Nothing(Option<&'static str>),
    /// Run this file.
    Run(PathBuf),
}

/// Keeps the user data where cloud-init keeps it, and marks a script as run before it is.
pub(super) fn prepare(plan: &Plan) -> io::Result<UserDataStep> {
    let Some(user_data) = &plan.spec.user_data else { return Ok(UserDataStep::Nothing(None)) };
    let directory = Path::new("/var/lib/cloud/instances").join(plan.spec.id.as_str());
    files::file(&directory.join("user-data.txt"), 0o600, &user_data.0)?;
    if !user_data.0.starts_with(b"#!") {
        let why =
            "user data is no script (it does not begin with #!): kept for the metadata service, not run";
        return Ok(UserDataStep::Nothing(Some(why)));
    }
    let mark = directory.join("sem/config_scripts_user");
    if mark.exists() {
        return Ok(UserDataStep::Nothing(Some("user data was run at the first boot")));
    }
    let script = directory.join("scripts/part-001");
    files::file(&script, 0o700, &user_data.0)?;
    files::file(&mark, 0o644, "")?;
    Ok(UserDataStep::Run(script))
}
