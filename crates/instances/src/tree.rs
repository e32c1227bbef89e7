//! Removing an instance's directory, whatever its programs did to the permissions in it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Removes `path` and everything below it; it need not exist. Symbolic links are not followed.
///
/// An overlay's work directory has mode 0, and programs may leave directories that their owner can't
/// read, at which a plain recursive removal fails.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
    }
}

fn open_up(directory: &Path) -> io::Result<()> {
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_directory_is_removed_too_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let kept = root.path().join("kept");
        fs::create_dir(&kept).unwrap();
        let gone = root.path().join("gone");
        fs::create_dir_all(gone.join("a/b")).unwrap();
        std::os::unix::fs::symlink(&kept, gone.join("a/link")).unwrap();
        fs::set_permissions(gone.join("a"), fs::Permissions::from_mode(0o000)).unwrap();
        remove(&gone).unwrap();
        assert!(!gone.exists() && kept.exists());
        remove(&gone).unwrap();
    }
}
