//! The instance's root directory: the host's directories beneath a writable overlay, or read-only,
//! on a root of its own. All of it in the instance's own mount namespace.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};

use super::{Failure, Outcome, Plan, doing, etc, files};
use crate::driver::{FileSystem, Users};
use crate::layout::{DISK, ROOT};

/// The host's directories that make programs run. `/var`, `/home` and the rest are the instance's own.
const SHOWN: [&str; 10] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "opt", "nix", "gnu"];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const SAFE: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// Puts the root together below the current directory, with the directories of the plan that are
/// reached by `shown`.
pub(super) fn build(plan: &Plan, shown: &[PathBuf]) -> Outcome<FileSystem> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(doing("making the mounts private"))?;
    // All paths are relative: those above may be closed to the instance's ids, and overlay options
    // would need escapes.
    let root = PathBuf::from(ROOT);
    etc::own_directories(&root, plan).map_err(doing("making its own directories"))?;
    mount_bind(&root, &root).map_err(doing("binding its root"))?;

    let mut builder = Builder { root, plan, overlays: 0, notes: Vec::new(), volatile: false };
    builder.show_system()?;
    builder.show_extra(shown)?;
    builder.kernel_file_systems()?;
    builder.conceal()?;
    if plan.sshd.is_some() {
        etc::sshd_settings(&builder.root, plan).map_err(doing("writing sshd's settings"))?;
    }
    Ok(match builder.overlays {
        0 => FileSystem::ReadOnly,
        _ => FileSystem::Overlay { notes: builder.notes },
    })
}

/// Makes it the root of this process and lets go of the host's.
pub(super) fn enter() -> Outcome<()> {
    std::env::set_current_dir(ROOT).map_err(doing("entering its root"))?;
    rustix::process::pivot_root(".", ".").map_err(doing("changing the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(doing("letting go of the host's root"))?;
    std::env::set_current_dir("/").map_err(doing("entering its root"))
}

struct Builder<'a> {
    root: PathBuf,
    plan: &'a Plan,
    overlays: usize,
    notes: Vec<String>,
    volatile: bool,
}

impl Builder<'_> {
    fn show_system(&mut self) -> Outcome<()> {
        for name in SHOWN {
            self.show(name).map_err(|failure| Failure(format!("showing /{name}: {}", failure.0)))?;
        }
        self.show_etc()
    }

    fn show(&mut self, name: &str) -> Outcome<()> {
        let host = Path::new("/").join(name);
        let Ok(found) = host.symlink_metadata() else { return Ok(()) };
        let target = self.root.join(name);
        if found.is_symlink() {
            let to = fs::read_link(&host)?;
            return Ok(files::link_once(&target, &to.to_string_lossy())?);
        }
        files::directory(&target, 0o755)?;
        match self.overlay(name, |_| Ok(())) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.notes.push(format!("/{name}: {refusal}"));
                bind_read_only(&host, &target)
            }
        }
    }

    fn show_etc(&mut self) -> Outcome<()> {
        let plan = self.plan;
        if let Err(refusal) = self.overlay("etc", |upper| etc::write(upper, plan)) {
            self.notes.push(format!("/etc is a copy: {refusal}"));
            let own = self.root.join("etc");
            copy_settings(Path::new("/etc"), &own).map_err(doing("copying /etc"))?;
            etc::write(&own, plan).map_err(doing("writing /etc"))?;
        }
        Ok(())
    }

    /// Mounts an overlay on a directory. Changes are kept on the instance's disk; where that can't
    /// carry an overlay (it lies on one itself, as in a container), in memory.
    fn overlay(&mut self, name: &str, prepare: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        if !self.plan.overlay {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "overlays are switched off"));
        }
        let on_disk = self.overlay_at(DISK, name, &prepare);
        if let Err(refusal) = on_disk {
            let volatile = Path::new(DISK).join("volatile");
            if !self.volatile {
                fs::create_dir_all(&volatile)?;
                mount("tmpfs", &volatile, "tmpfs", MountFlags::NODEV, c"mode=755")?;
                self.volatile = true;
            }
            let at = volatile.to_string_lossy().into_owned();
            self.overlay_at(&at, name, &prepare).map_err(|_| refusal)?;
            self.notes.push(format!("/{name}: changes are not kept over a stop"));
        }
        self.overlays += 1;
        Ok(())
    }

    fn overlay_at(&self, at: &str, name: &str, prepare: &impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let (upper, work) = (format!("{at}/upper/{name}"), format!("{at}/work/{name}"));
        files::directory(Path::new(&upper), 0o755)?;
        fs::create_dir_all(&work)?;
        if name == "usr" {
            // Where the ids of the host's files do not exist, only directories of its own are writable.
            for own in ["local/bin", "local/sbin", "local/lib", "local/share"] {
                files::directory(&Path::new(&upper).join(own), 0o755)?;
            }
            if self.plan.users == Users::Full {
                own_sudo(Path::new(&upper))?;
            }
        }
        prepare(Path::new(&upper))?;
        let options = CString::new(format!("lowerdir=/{name},upperdir={upper},workdir={work},userxattr"))?;
        Ok(mount("overlay", self.root.join(name), "overlay", MountFlags::NODEV, options.as_c_str())?)
    }

    fn show_extra(&self, reached: &[PathBuf]) -> Outcome<()> {
        for (host, reached) in self.plan.shown.iter().zip(reached) {
            let target = self.inside(host);
            fs::create_dir_all(&target).map_err(doing(format!("making {}", target.display())))?;
            bind_read_only(reached, &target)
                .map_err(|failure| Failure(format!("showing {}: {}", host.display(), failure.0)))?;
        }
        Ok(())
    }

    fn kernel_file_systems(&self) -> Outcome<()> {
        let at = |name: &str| self.root.join(name);
        mount("proc", at("proc"), "proc", SAFE, None).map_err(doing(
            "mounting /proc (a container that hides parts of /proc from this server forbids it)",
        ))?;
        let quick = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", at("run"), "tmpfs", quick, c"mode=755").map_err(doing("mounting /run"))?;
        for name in ["run/lock", "run/sshd"] {
            files::directory(&at(name), 0o755)?;
        }
        self.devices().map_err(doing("making /dev"))
    }

    fn devices(&self) -> io::Result<()> {
        let dev = self.root.join("dev");
        mount("tmpfs", &dev, "tmpfs", MountFlags::NOSUID, c"mode=755,size=64k")?;
        for name in DEVICES {
            files::file(&dev.join(name), 0o666, "")?;
            mount_bind(Path::new("/dev").join(name), dev.join(name))?;
        }
        for name in ["pts", "shm"] {
            files::directory(&dev.join(name), 0o755)?;
        }
        let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
        mount("devpts", dev.join("pts"), "devpts", quiet, c"newinstance,ptmxmode=0666,mode=0620")?;
        mount("tmpfs", dev.join("shm"), "tmpfs", quiet | MountFlags::NODEV, c"mode=1777")?;
        for (name, to) in [
            ("ptmx", "pts/ptmx"),
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ] {
            files::link_once(&dev.join(name), to)?;
        }
        files::file(&dev.join("console"), 0o600, "")
    }

    /// Covers what must not be seen with something empty.
    fn conceal(&self) -> Outcome<()> {
        for host in self.plan.hidden.iter().chain(&etc::secrets()) {
            let target = self.inside(host);
            let covered = match target.symlink_metadata() {
                Ok(found) if found.is_dir() => {
                    mount("tmpfs", &target, "tmpfs", SAFE | MountFlags::RDONLY, c"mode=0,size=4k")
                }
                Ok(found) if found.is_file() => mount_bind("/dev/null", &target),
                _ => Ok(()),
            };
            covered.map_err(doing(format!("hiding {}", host.display())))?;
        }
        Ok(())
    }

    fn inside(&self, host: &Path) -> PathBuf {
        self.root.join(host.strip_prefix("/").unwrap_or(host))
    }
}

/// The host's `sudo` does not belong to the instance's root, so it would be refused; a copy does.
fn own_sudo(upper: &Path) -> io::Result<()> {
    let program = Path::new("bin/sudo");
    if !Path::new("/usr").join(program).exists() || upper.join(program).exists() {
        return Ok(());
    }
    for directory in ["libexec/sudo", "lib/sudo"] {
        let Ok(entries) = fs::read_dir(Path::new("/usr").join(directory)) else { continue };
        for entry in entries.flatten().filter(|entry| entry.path().is_file()) {
            files::file(&upper.join(directory).join(entry.file_name()), 0o644, fs::read(entry.path())?)?;
        }
    }
    files::file(&upper.join(program), 0o4755, fs::read(Path::new("/usr").join(program))?)
}

/// Shows a directory with all that is mounted below it, and forbids writing to any of it.
fn bind_read_only(host: &Path, target: &Path) -> Outcome<()> {
    mount_bind_recursive(host, target).map_err(doing("binding"))?;
    // The mount table has absolute paths, of which only what is below here can be reached.
    let here = std::env::current_dir()?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let below = mounts(&table).filter_map(|(point, options)| {
        let point = point.strip_prefix(&here).ok()?.to_owned();
        point.starts_with(target).then_some((point, options))
    });
    // One mount point may be listed twice, when mounts are stacked; the topmost answers for it.
    for (point, options) in below.collect::<BTreeSet<_>>() {
        // Flags that the host set are locked: a remount has to repeat them.
        let flags = MountFlags::BIND | MountFlags::RDONLY | locked_flags(options);
        mount_remount(&point, flags, "").map_err(doing(format!("making {} read-only", point.display())))?;
    }
    Ok(())
}

/// Mount points and their options, from `/proc/self/mountinfo`.
fn mounts(table: &str) -> impl Iterator<Item = (PathBuf, &str)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(4);
        Some((unescape(fields.next()?), fields.next()?))
    })
}

/// Blanks in a mount point are written as `\040` and the like.
fn unescape(field: &str) -> PathBuf {
    let mut path = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        path.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        path.push(code.map_or('\\', char::from));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    path.push_str(rest);
    PathBuf::from(path)
}

fn locked_flags(options: &str) -> MountFlags {
    options.split(',').fold(MountFlags::empty(), |flags, option| {
        flags
            | match option {
                "nosuid" => MountFlags::NOSUID,
                "nodev" => MountFlags::NODEV,
                "noexec" => MountFlags::NOEXEC,
                "noatime" => MountFlags::NOATIME,
                "nodiratime" => MountFlags::NODIRATIME,
                "relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            }
    })
}

/// Files too large to be settings are left out of a copied `/etc`.
const LARGEST_SETTING: u64 = 1024 * 1024;

/// Copies what can be read and is small; for kernels that refuse an overlay.
fn copy_settings(from: &Path, to: &Path) -> io::Result<()> {
    let secrets = etc::secrets();
    let mut pending = vec![PathBuf::new()];
    while let Some(relative) = pending.pop() {
        let Ok(entries) = fs::read_dir(from.join(&relative)) else { continue };
        files::directory(&to.join(&relative), 0o755)?;
        for entry in entries.flatten() {
            let relative = relative.join(entry.file_name());
            let (source, target) = (entry.path(), to.join(&relative));
            let found = entry.metadata()?;
            if secrets.contains(&source) || target.symlink_metadata().is_ok() && !found.is_dir() {
                continue;
            }
            if found.is_dir() {
                pending.push(relative);
            } else if found.is_symlink() {
                files::link_once(&target, &fs::read_link(&source)?.to_string_lossy())?;
            } else if found.is_file() && found.len() <= LARGEST_SETTING {
                // What can't be read is not for the instance either.
                let _ = fs::copy(&source, &target);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_escapes() {
        let table = "36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime,nosuid master:1 - ext3 /dev/root rw\n";
        let found: Vec<_> = mounts(table).collect();
        assert_eq!(found, [(PathBuf::from("/a b\\c"), "rw,noatime,nosuid")]);
        assert_eq!(locked_flags(found[0].1), MountFlags::NOATIME | MountFlags::NOSUID);
    }
}
