//! Who may ask for temporary delegation: the file that declares product providers and their policy templates.

use std::path::Path;

use rolecall_iam::delegation::{PolicyTemplate, Provider, Providers};
use rolecall_state::AccountId;
use rolecall_state::arn::ArnParts;
use serde::Deserialize;

use super::ServeError;
use crate::settings::Settings;

/// The setting that names the file.
const KEY: &str = "delegation.file";
/// AWS allows no longer name.
const MAX_NAME: usize = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    provider: Vec<DeclaredProvider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredProvider {
    account: String,
    name: String,
    #[serde(default)]
    template: Vec<DeclaredTemplate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredTemplate {
    arn: String,
    policy: Option<String>,
    file: Option<String>,
}

/// The declared providers; none when the setting is unset.
pub(super) fn providers(settings: &Settings) -> Result<Providers, ServeError> {
    let path = settings.text(KEY);
    if path.is_empty() {
        return Ok(Providers::default());
    }
    read(Path::new(path)).map_err(|cause| settings.refuse(KEY, cause).into())
}

fn read(path: &Path) -> Result<Providers, String> {
    let text = std::fs::read_to_string(path).map_err(|cause| format!("it can't be read: {cause}"))?;
    let file: File = toml::from_str(&text).map_err(|cause| cause.to_string().trim_end().to_owned())?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut providers: Vec<Provider> = Vec::with_capacity(file.provider.len());
    for declared in file.provider {
        let provider = provider(declared, beside)?;
        if providers.iter().any(|known| known.account == provider.account) {
            return Err(format!("the account {} is declared twice", provider.account));
        }
        providers.push(provider);
    }
    Ok(Providers::new(providers))
}

fn provider(declared: DeclaredProvider, beside: &Path) -> Result<Provider, String> {
    let DeclaredProvider { account, name, template } = declared;
    let account: AccountId = account.parse().map_err(|cause| format!("{cause}"))?;
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(format!("the name {name:?} has no character or more than {MAX_NAME}"));
    }
    let templates = template.into_iter().map(|declared| one_template(declared, beside));
    Ok(Provider { account, name, templates: templates.collect::<Result<_, _>>()? })
}

fn one_template(declared: DeclaredTemplate, beside: &Path) -> Result<PolicyTemplate, String> {
    let DeclaredTemplate { arn, policy, file } = declared;
    let is_template = ArnParts::parse(&arn)
        .is_some_and(|parts| parts.service == "iam" && parts.resource.starts_with("delegation-template/"));
    if !is_template {
        return Err(format!("{arn} is not of the form arn:aws:iam:::delegation-template/NAME"));
    }
    let text = match (policy, file) {
        (Some(text), None) => text,
        (None, Some(file)) => {
            let path = beside.join(&file);
            std::fs::read_to_string(path).map_err(|cause| format!("{file} can't be read: {cause}"))?
        }
        _ => return Err(format!("the template {arn} takes either a policy or a file")),
    };
    PolicyTemplate::parse(&arn, &text).map_err(|cause| format!("the template {arn} can't be used: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Providers, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("delegation.toml");
        std::fs::write(dir.path().join("setup.json"), TEMPLATE).unwrap();
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    const TEMPLATE: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}}"#;

    #[test]
    fn a_file_declares_providers_and_their_templates() {
        let text = format!(
            "[[provider]]\naccount = \"444455556666\"\nname = \"Example\"\n\
             [[provider.template]]\narn = \"arn:aws:iam:::delegation-template/a\"\npolicy = '''{TEMPLATE}'''\n\
             [[provider.template]]\narn = \"arn:aws:iam:::delegation-template/b\"\nfile = \"setup.json\"\n"
        );
        assert!(load(&text).is_ok());
        assert!(load(&format!("{text}{text}")).unwrap_err().contains("declared twice"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let provider =
            "[[provider]]\naccount = \"444455556666\"\nname = \"Example\"\n[[provider.template]]\n";
        let refused = |rest: &str| load(&format!("{provider}{rest}")).unwrap_err();
        assert!(refused("arn = \"x\"\npolicy = \"{}\"\n").contains("delegation-template/NAME"));
        let arn = "arn = \"arn:aws:iam:::delegation-template/a\"\n";
        assert!(refused(arn).contains("either a policy or a file"));
        assert!(refused(&format!("{arn}policy = \"{{}}\"\n")).contains("can't be used"));
        assert!(refused(&format!("{arn}file = \"none.json\"\n")).contains("can't be read"));
        assert!(load("[[provider]]\naccount = \"1\"\nname = \"x\"\n").is_err());
        assert!(load("[[providr]]\n").is_err());
    }
}
