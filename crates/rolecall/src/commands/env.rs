//! `rolecall env`: what a shell needs to use the server as root.

use std::path::Path;
use std::process::ExitCode;

use super::serve::files;
use super::{Failure, print};
use crate::settings::Settings;

/// Prints `export` lines for the shell.
pub(crate) fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let data = Path::new(settings.text("data"));
    let root = files::read_root_credentials(data).map_err(|error| Failure::Environment(error.to_string()))?;
    let root = root.ok_or_else(|| {
        Failure::Environment(format!(
            "{} holds no root credentials yet: start the server first",
            data.display()
        ))
    })?;
    // The address that the running server wrote down stands over the setting: its port may be free.
    let endpoint = std::fs::read_to_string(data.join(files::ENDPOINT));
    let endpoint = endpoint
        .map_or_else(|_| format!("http://{}", settings.text("listen")), |text| text.trim().to_owned());
    let lines = format!(
        "export AWS_ENDPOINT_URL={endpoint}\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={secret}\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
        region = settings.text("region"),
        id = root.access_key_id,
        secret = *root.secret_access_key,
    );
    print(&lines)
}
