//! Making directories and files with exact permissions.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a directory, and those above it, unless it is there; sets its mode in any case.
pub(super) fn directory(path: &Path, mode: u32) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Writes a file anew. It is replaced, not followed, if it is a link.
pub(super) fn file(path: &Path, mode: u32, content: impl AsRef<[u8]>) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    absent(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_ref())?;
    file.set_permissions(Permissions::from_mode(mode))
}

/// Writes a file unless there is one.
pub(super) fn file_once(path: &Path, mode: u32, content: impl AsRef<[u8]>) -> io::Result<()> {
    if path.symlink_metadata().is_ok() { Ok(()) } else { file(path, mode, content) }
}

/// Makes a symbolic link unless there is something.
pub(super) fn link_once(path: &Path, to: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok() { Ok(()) } else { std::os::unix::fs::symlink(to, path) }
}

/// Removes a file if it is there.
pub(super) fn absent(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
