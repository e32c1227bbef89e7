//! The release: one tarball with the program and what belongs to it, and its checksum.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::{Compression, GzBuilder};

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DistError {
    /// A file can't be read or written.
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    /// A program that takes part did not do so.
    #[error("{0} failed")]
    Program(String),
}

/// One file of the tarball.
struct Entry {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

const EXECUTABLE: u32 = 0o755;
const PLAIN: u32 = 0o644;
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/rolecall"),
    ("zsh", "share/zsh/site-functions/_rolecall"),
    ("fish", "share/fish/vendor_completions.d/rolecall.fish"),
];

/// Makes the tarball and `SHA256SUMS` in `output`, of this program or of one built for release.
pub(crate) fn dist(binary: Option<&Path>, output: &Path) -> Result<(), DistError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let built;
    let binary = match binary {
        Some(path) => path,
        None => {
            built = build(root)?;
            &built
        }
    };
    let name =
        format!("rolecall-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
    fs::create_dir_all(output).map_err(|cause| DistError::File { path: output.to_owned(), cause })?;
    let tarball = output.join(format!("{name}.tar.gz"));
    pack(&name, &entries(root, binary, output)?, &tarball)
        .map_err(|cause| DistError::File { path: tarball.clone(), cause })?;
    let sums = output.join("SHA256SUMS");
    let line = format!("{}  {name}.tar.gz\n", sha256(&read(&tarball)?));
    write(&sums, line.as_bytes())?;
    let said = writeln!(std::io::stdout(), "{}\n{}", tarball.display(), sums.display());
    said.map_err(|cause| DistError::File { path: "standard output".into(), cause })
}

fn build(root: &Path) -> Result<PathBuf, DistError> {
    let arguments = ["build", "--locked", "--release", "--package", "rolecall", "--bin", "rolecall"];
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).args(["--message-format", "json-render-diagnostics"]).current_dir(root);
    // A release is to start on machines whose loader is older than this one's.
    cargo.env("ROLECALL_LINK", "portable");
    let failed = || DistError::Program("cargo build".to_owned());
    let done = cargo.stderr(Stdio::inherit()).output().map_err(|_| failed())?;
    let messages = String::from_utf8_lossy(&done.stdout);
    // Where the target directory is, only cargo knows.
    let executable = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    executable.filter(|_| done.status.success()).ok_or_else(failed)
}

fn entries(root: &Path, binary: &Path, output: &Path) -> Result<Vec<Entry>, DistError> {
    let plain = |path: &str, content| Entry { path: path.to_owned(), mode: PLAIN, content };
    let mut entries =
        vec![Entry { path: "bin/rolecall".to_owned(), mode: EXECUTABLE, content: read(binary)? }];
    for (shell, path) in COMPLETIONS {
        entries.push(plain(path, said(binary, &["completions", shell])?));
    }
    for (name, content) in man_pages(binary, &output.join("man"))? {
        entries.push(plain(&format!("share/man/man1/{name}"), content));
    }
    entries
        .push(plain("lib/systemd/system/rolecall.service", read(&root.join("packaging/rolecall.service"))?));
    for name in ["LICENSE", "README.md"] {
        entries.push(plain(name, read(&root.join(name))?));
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn man_pages(binary: &Path, directory: &Path) -> Result<Vec<(String, Vec<u8>)>, DistError> {
    said(binary, &["man", "--directory", &directory.to_string_lossy()])?;
    let failed = |cause| DistError::File { path: directory.to_owned(), cause };
    let mut pages = Vec::new();
    for found in fs::read_dir(directory).map_err(failed)? {
        let path = found.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        pages.push((name, read(&path)?));
    }
    fs::remove_dir_all(directory).map_err(failed)?;
    Ok(pages)
}

fn said(binary: &Path, arguments: &[&str]) -> Result<Vec<u8>, DistError> {
    let failed = || DistError::Program(format!("{} {}", binary.display(), arguments.join(" ")));
    let done =
        Command::new(binary).args(arguments).stderr(Stdio::inherit()).output().map_err(|_| failed())?;
    if done.status.success() { Ok(done.stdout) } else { Err(failed()) }
}

/// No time, owner or order of this machine's goes in: the same inputs give the same bytes.
fn pack(name: &str, entries: &[Entry], tarball: &Path) -> std::io::Result<()> {
    let packed = GzBuilder::new().mtime(0).write(File::create(tarball)?, Compression::best());
    let mut tar = tar::Builder::new(packed);
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.content.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{name}/{}", entry.path), entry.content.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, DistError> {
    fs::read(path).map_err(|cause| DistError::File { path: path.to_owned(), cause })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DistError> {
    fs::write(path, bytes).map_err(|cause| DistError::File { path: path.to_owned(), cause })
}
