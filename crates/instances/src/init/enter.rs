//! Stage three: becomes one program of the instance, in a session of its own, as the right user.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use rustix::process::{Gid, Uid};

use super::spawn::Entry;
use super::{Failure, Outcome, complain, doing};
use crate::driver::Users;

/// Becomes the program; comes back only when that fails, with a shell's codes.
pub(super) fn enter(subject: &OsStr) -> ExitCode {
    let entry: Entry = match serde_json::from_slice(subject.as_encoded_bytes()) {
        Ok(entry) => entry,
        Err(error) => return complain(&error.to_string()),
    };
    match prepare(&entry) {
        Ok(mut command) => {
            let error = command.exec();
            complain(&format!("{}: {error}", command.get_program().to_string_lossy()));
            ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
        }
        Err(failure) => complain(&failure.0),
    }
}

fn prepare(entry: &Entry) -> Outcome<Command> {
    let account = Account::named(&entry.user)?;
    // Fails only for a process that leads a group, which this one does not.
    let _ = rustix::process::setsid();
    if entry.terminal {
        rustix::process::ioctl_tiocsctty(std::io::stdin()).map_err(doing("taking the terminal"))?;
    }
    account.become_it(entry)?;
    let cwd = entry.cwd.as_ref().map_or(account.home.as_str(), String::as_str);
    if std::env::set_current_dir(cwd).is_err() {
        if entry.cwd.is_some() {
            return Err(Failure(format!("no directory {cwd}")));
        }
        std::env::set_current_dir("/").map_err(doing("entering /"))?;
    }
    let (program, arguments) = entry.argv.split_first().ok_or_else(|| Failure("no program".into()))?;
    let mut command = Command::new(program);
    command.args(arguments);
    let known = [
        ("HOME", &account.home),
        ("USER", &account.name),
        ("LOGNAME", &account.name),
        ("SHELL", &account.shell),
    ];
    for (name, value) in known.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()) {
        command.env(name, value);
    }
    if entry.terminal && std::env::var_os("TERM").is_none() {
        command.env("TERM", OsString::from("xterm-256color"));
    }
    Ok(command)
}

/// A line of the instance's `/etc/passwd`.
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
    shell: String,
}

impl Account {
    fn named(name: &str) -> Outcome<Self> {
        let table = fs::read_to_string("/etc/passwd").map_err(doing("/etc/passwd"))?;
        let found = table.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| {
            let &[found, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
            let account = || {
                let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
                Some(Self { name: name.into(), uid, gid, home: home.into(), shell: shell.into() })
            };
            if found == name { account() } else { None }
        });
        found.ok_or_else(|| Failure(format!("no user {name}")))
    }

    fn become_it(&self, entry: &Entry) -> Outcome<()> {
        match (entry.users, self.uid) {
            (_, 0) => Ok(()),
            (Users::Full, _) => self.switch(entry.terminal),
            (Users::Single | Users::Host, _) => self.rename(),
        }
    }

    fn switch(&self, terminal: bool) -> Outcome<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        if terminal {
            rustix::fs::fchown(std::io::stdin(), Some(uid), None).map_err(doing("giving the terminal"))?;
        }
        rustix::thread::set_thread_groups(&self.groups()).map_err(doing("setting groups"))?;
        rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(doing("setting the group"))?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(doing("setting the user"))
    }

    fn groups(&self) -> Vec<Gid> {
        let table = fs::read_to_string("/etc/group").unwrap_or_default();
        let member = |line: &str| {
            let mut fields = line.split(':').skip(2);
            let gid = fields.next()?.parse().ok()?;
            fields.next()?.split(',').any(|name| name == self.name).then(|| Gid::from_raw(gid))
        };
        std::iter::once(Gid::from_raw(self.gid)).chain(table.lines().filter_map(member)).collect()
    }

    /// There is only one id: in a user namespace of its own it goes by this user's number. So `sshd`
    /// runs as an ordinary user, which needs none of the ids that do not exist here.
    fn rename(&self) -> Outcome<()> {
        unshare(CloneFlags::CLONE_NEWUSER).map_err(doing("making a user namespace"))?;
        let write = |name: &str, text: String| {
            fs::write(Path::new("/proc/self").join(name), text).map_err(doing(format!("writing {name}")))
        };
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("{} 0 1", self.uid))?;
        write("gid_map", format!("{} 0 1", self.gid))
    }
}
