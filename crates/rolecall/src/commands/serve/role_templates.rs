//! The templates that roles can be made of: the file that declares them.

use rolecall_iam::role_templates::{DeclaredFile, RoleTemplates};

use super::ServeError;
use crate::settings::Settings;

/// The setting that names the file.
const KEY: &str = "role_templates.file";

/// The declared templates; none when the setting is unset.
pub(super) fn read(settings: &Settings) -> Result<RoleTemplates, ServeError> {
    let path = settings.text(KEY);
    if path.is_empty() {
        return Ok(RoleTemplates::default());
    }
    let text = std::fs::read_to_string(path).map_err(|cause| format!("it can't be read: {cause}"));
    let file = text.and_then(|text| {
        toml::from_str::<DeclaredFile>(&text).map_err(|cause| cause.to_string().trim_end().to_owned())
    });
    file.and_then(RoleTemplates::new).map_err(|cause| settings.refuse(KEY, cause).into())
}
