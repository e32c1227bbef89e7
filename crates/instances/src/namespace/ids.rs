//! Mapping an instance's user and group ids: a range of its own when the server is root, else the
//! server's own id alone.

use std::fs;
use std::io;
use std::path::Path;

use crate::driver::Users;

/// How many ids an instance has at most: 0 to 65535, as on any machine.
const RANGE: u32 = 65_536;

/// What an instance's ids are outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mapping {
    /// 65536 from this one on.
    Range(u32),
    /// The server's own, as root.
    Own,
}

impl Mapping {
    /// The mapping that this server can make.
    pub(super) fn available(base: u32) -> Self {
        let table = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        if rustix::process::geteuid().is_root() { Self::of_root(&table, base) } else { Self::Own }
    }

    /// Never the host's root itself: even without capabilities it may write what belongs to it, for
    /// instance below `/proc/sys`.
    fn of_root(table: &str, base: u32) -> Self {
        let first = table.lines().next().unwrap_or_default();
        let fields: Vec<u64> =
            first.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
        match *fields.as_slice() {
            [0, _, length] if length >= u64::from(base) + u64::from(RANGE) => Self::Range(base),
            // Root of a user namespace (as in a rootless container) is not the host's.
            [0, outside, length] if outside != 0 && length >= u64::from(RANGE) => Self::Range(0),
            _ => Self::Own,
        }
    }

    pub(super) fn users(self) -> Users {
        match self {
            Self::Range(_) => Users::Full,
            Self::Own => Users::Single,
        }
    }

    /// Who owns what init has to write, if it is not the server.
    pub(super) fn owner(self) -> Option<u32> {
        match self {
            Self::Range(first) => Some(first),
            Self::Own => None,
        }
    }

    /// Maps the ids of a process that has just made its user namespace.
    pub(super) fn apply(self, pid: u32) -> io::Result<()> {
        let directory = Path::new("/proc").join(pid.to_string());
        let write = |name: &str, text: String| fs::write(directory.join(name), text);
        if let Self::Range(first) = self {
            write("uid_map", format!("0 {first} {RANGE}"))?;
            return write("gid_map", format!("0 {first} {RANGE}"));
        }
        // Without privilege the kernel demands that groups can't be dropped.
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {} 1", rustix::process::geteuid().as_raw()))?;
        write("gid_map", format!("0 {} 1", rustix::process::getegid().as_raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_never_the_hosts_root() {
        let base = 2_000_000_000;
        assert_eq!(Mapping::of_root("         0          0 4294967295\n", base), Mapping::Range(base));
        assert_eq!(Mapping::of_root("0 100000 65536\n", base), Mapping::Range(0));
        assert_eq!(Mapping::of_root("0 1000 1\n1 100000 65536\n", base), Mapping::Own);
        assert_eq!(Mapping::of_root("", base), Mapping::Own);
    }
}
