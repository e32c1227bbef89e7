//! Keys of OpenID Connect issuers that are given in a file instead of fetched: for machines that reach no issuer.

use std::path::Path;

use rolecall_federation::oidc::{IssuerUrl, JwkSet};
use rolecall_server::GivenKeys;
use serde::Deserialize;

use super::ServeError;
use crate::settings::Settings;

/// The setting that names the file.
const KEY: &str = "oidc.keys_file";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    issuer: String,
    jwks: Option<String>,
    file: Option<String>,
}

/// The given keys; none when the setting is unset.
pub(super) fn read(settings: &Settings) -> Result<GivenKeys, ServeError> {
    let path = settings.text(KEY);
    if path.is_empty() {
        return Ok(GivenKeys::new());
    }
    parse(Path::new(path)).map_err(|cause| settings.refuse(KEY, cause).into())
}

fn parse(path: &Path) -> Result<GivenKeys, String> {
    let text = std::fs::read_to_string(path).map_err(|cause| format!("it can't be read: {cause}"))?;
    let file: File = toml::from_str(&text).map_err(|cause| cause.to_string().trim_end().to_owned())?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let mut keys = GivenKeys::new();
    for Given { issuer, jwks, file } in file.keys {
        let url = IssuerUrl::parse_local(&issuer).map_err(|cause| format!("{issuer}: {cause}"))?;
        let json = match (jwks, file) {
            (Some(json), None) => json,
            (None, Some(file)) => std::fs::read_to_string(beside.join(&file))
                .map_err(|cause| format!("{file} can't be read: {cause}"))?,
            _ => return Err(format!("the issuer {issuer} takes either jwks or a file")),
        };
        let set = JwkSet::from_json(json.as_bytes())
            .map_err(|cause| format!("the keys of {issuer} can't be used: {cause}"))?;
        if set.is_empty() {
            return Err(format!("the keys of {issuer} have none that can verify a token"));
        }
        if keys.insert(url.to_string(), set).is_some() {
            return Err(format!("the issuer {issuer} is there twice"));
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "k",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

    fn load(text: &str) -> Result<GivenKeys, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("keys.json"), KEYS).unwrap();
        let path = dir.path().join("issuers.toml");
        std::fs::write(&path, text).unwrap();
        parse(&path)
    }

    #[test]
    fn keys_are_given_in_place_or_in_a_file_beside() {
        let text = format!(
            "[[keys]]\nissuer = \"https://a.example\"\njwks = '''{KEYS}'''\n\
             [[keys]]\nissuer = \"https://b.example/x\"\nfile = \"keys.json\"\n"
        );
        let keys = load(&text).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["https://a.example", "https://b.example/x"]);
        assert!(load(&format!("{text}{text}")).unwrap_err().contains("there twice"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let refused =
            |rest: &str| load(&format!("[[keys]]\nissuer = \"https://a.example\"\n{rest}")).unwrap_err();
        assert!(refused("").contains("either jwks or a file"));
        assert!(refused("jwks = \"{}\"\n").contains("can't be used"));
        assert!(refused("jwks = '{\"keys\": []}'\n").contains("none that can verify"));
        assert!(refused("file = \"none.json\"\n").contains("can't be read"));
        assert!(load("[[keys]]\nissuer = \"a.example\"\njwks = \"{}\"\n").is_err());
        assert!(load("[[key]]\n").is_err());
    }
}
