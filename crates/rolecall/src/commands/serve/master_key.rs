//! Where the master key comes from: a variable, a command, or a file.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rolecall_state::{Entropy, KeyId, MasterKey, NotAKey, State};
use zeroize::Zeroizing;

use super::files::{self, FileError};
use super::variable;
use crate::settings::{Settings, SettingsError};

const VARIABLE: &str = "ROLECALL_MASTER_KEY";
const FILE: &str = "master-key";
/// How often a server looks whether its key file has changed.
const LOOK: Duration = Duration::from_secs(2);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The settings name two places.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file is not there.
    #[error("{0}: there is no master key")]
    Absent(PathBuf),
    /// The file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was read is no key.
    #[error("the master key of {from} can't be used: {cause}")]
    Text {
        /// Where it came from.
        from: String,
        /// What is wrong.
        cause: NotAKey,
    },
    /// The command did not print a key.
    #[error("master_key_command: {0}")]
    Command(String),
}

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// `ROLECALL_MASTER_KEY`
    Variable,
    /// A command of the shell, which prints it.
    Command(String),
    /// A file.
    File(PathBuf),
}

impl KeySource {
    /// What the settings say; the file `master-key` in the data directory where they say nothing.
    pub(crate) fn of(settings: &Settings, data: &Path) -> Result<Self, SettingsError> {
        let (file, command) = (settings.text("master_key_file"), settings.text("master_key_command"));
        if variable(VARIABLE).is_some() {
            return Ok(Self::Variable);
        }
        match (command.is_empty(), file.is_empty()) {
            (true, true) => Ok(Self::File(data.join(FILE))),
            (true, false) => Ok(Self::File(file.into())),
            (false, true) => Ok(Self::Command(command.to_owned())),
            (false, false) => {
                Err(settings
                    .refuse("master_key_command", "it does not go together with master_key_file".into()))
            }
        }
    }

    /// For people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Variable => format!("${VARIABLE}"),
            Self::Command(_) => "master_key_command".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The keys. A file that is absent is made when `may_create` says so.
    pub(crate) fn read(&self, may_create: bool, entropy: &dyn Entropy) -> Result<MasterKey, KeyError> {
        let text = match (self.text(), self) {
            (Err(KeyError::Absent(path)), Self::File(_)) if may_create => {
                let text = Zeroizing::new(format!("{}\n", &*new_key(entropy)));
                files::write_private(&path, &text)?;
                text
            }
            (text, _) => text?,
        };
        MasterKey::parse(&text).map_err(|cause| KeyError::Text { from: self.name(), cause })
    }

    fn text(&self) -> Result<Zeroizing<String>, KeyError> {
        match self {
            Self::Variable => Ok(Zeroizing::new(variable(VARIABLE).unwrap_or_default())),
            Self::Command(command) => run(command),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(KeyError::Absent(path.clone())),
                Err(cause) => Err(FileError::Io { path: path.clone(), cause }.into()),
            },
        }
    }

    fn changed(&self) -> Option<SystemTime> {
        let Self::File(path) = self else { return None };
        std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
    }
}

/// A new master key as text.
pub(crate) fn new_key(entropy: &dyn Entropy) -> Zeroizing<String> {
    let bytes = Zeroizing::new(entropy.bytes::<{ MasterKey::LEN }>());
    let mut text = Zeroizing::new(String::with_capacity(2 * MasterKey::LEN));
    for byte in bytes.iter() {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// Adds a new key to a key file, behind those that are in it; gives its id.
pub(crate) fn add_key(path: &Path, entropy: &dyn Entropy) -> Result<KeyId, KeyError> {
    let source = KeySource::File(path.to_owned());
    let (old, new) = (source.text()?, new_key(entropy));
    let text = Zeroizing::new(format!("{}\n{}\n", old.trim_end(), &*new));
    files::write_private(&real_path(path), &text)?;
    id_of(&new).ok_or(KeyError::Text { from: source.name(), cause: NotAKey })
}

/// Leaves one key in a key file, and forgets the others.
pub(crate) fn leave_key(path: &Path, id: KeyId) -> Result<(), KeyError> {
    let source = KeySource::File(path.to_owned());
    let text = source.text()?;
    let left = text.split_whitespace().find(|word| id_of(word) == Some(id));
    let left = left.ok_or(KeyError::Text { from: source.name(), cause: NotAKey })?;
    Ok(files::write_private(&real_path(path), &Zeroizing::new(format!("{left}\n")))?)
}

/// A link to a key file stays a link.
fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn id_of(word: &str) -> Option<KeyId> {
    MasterKey::parse(word).ok().and_then(|key| key.id())
}

fn run(command: &str) -> Result<Zeroizing<String>, KeyError> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = shell.output().map_err(|cause| KeyError::Command(cause.to_string()))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(KeyError::Command(format!("it ended with {}", output.status)));
    }
    match std::str::from_utf8(&printed) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(KeyError::Text { from: "master_key_command".into(), cause: NotAKey }),
    }
}

/// Learns keys that are added to the file while the server runs; and, when the store is sealed under
/// one that is not known, asks wherever keys come from until it is.
pub(super) async fn follow(source: KeySource, state: State) {
    let mut seen = source.changed();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = source.changed();
        if now == seen && !state.lacks_master_key() {
            continue;
        }
        seen = now;
        let asked = source.clone();
        let read =
            tokio::task::spawn_blocking(move || asked.read(false, &rolecall_state::SystemEntropy)).await;
        match read {
            Ok(Ok(keys)) => {
                state.master().learn(&keys);
                let known: Vec<String> = state.master().known().iter().map(KeyId::to_string).collect();
                tracing::info!("the master keys that are known here: {}", known.join(" "));
            }
            Ok(Err(cause)) => tracing::error!(%cause, "the master key can't be read again"),
            Err(cause) => tracing::error!(%cause, "the master key can't be read again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::SystemEntropy;

    #[test]
    fn a_lost_master_key_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let source = KeySource::File(dir.path().join("master-key"));
        assert!(matches!(source.read(false, &SystemEntropy), Err(KeyError::Absent(_))));
        let made = source.read(true, &SystemEntropy).unwrap();
        assert_eq!(source.read(false, &SystemEntropy).unwrap().id(), made.id());
    }

    #[test]
    fn a_key_file_takes_a_second_key_and_lets_the_first_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master-key");
        let source = KeySource::File(path.clone());
        let first = source.read(true, &SystemEntropy).unwrap().id().unwrap();
        let second = add_key(&path, &SystemEntropy).unwrap();
        assert_eq!(source.read(false, &SystemEntropy).unwrap().known(), [first, second]);
        leave_key(&path, second).unwrap();
        assert_eq!(source.read(false, &SystemEntropy).unwrap().known(), [second]);
        assert!(leave_key(&path, first).is_err());
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_command_prints_the_key() {
        let of = |command: &str| KeySource::Command(command.into()).read(false, &SystemEntropy);
        let key = "5a".repeat(32);
        assert_eq!(of(&format!("echo {key}")).unwrap().id(), MasterKey::parse(&key).unwrap().id());
        for (command, problem) in
            [("echo short", "64 hexadecimal digits"), ("exit 3", "3"), ("true", "64 hex")]
        {
            let error = of(command).unwrap_err().to_string();
            assert!(error.contains("master_key_command") && error.contains(problem), "{error}");
        }
    }
}
