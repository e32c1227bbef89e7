//! The instance's own files below `/etc`, its homes and its `/var`.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use super::{Plan, files};
use crate::driver::Users;
use crate::layout::SSH_DIRECTORY;

/// Whom one logs in as, as on Amazon's own images.
pub(super) const LOGIN_USER: &str = "ec2-user";
const LOGIN_ID: u32 = 1000;
const NOBODY: u32 = 65534;

/// Writes what every boot sets anew into the `/etc` at `etc`, and accounts at the first.
pub(super) fn write(etc: &Path, plan: &Plan) -> io::Result<()> {
    files::directory(etc, 0o755)?;
    let spec = &plan.spec;
    let name = spec.hostname.split('.').next().unwrap_or_default();
    files::file(&etc.join("hostname"), 0o644, format!("{}\n", spec.hostname))?;
    files::file(&etc.join("hosts"), 0o644, hosts(plan, name))?;
    let resolver = "# No name server: this instance reaches its metadata and the API only.\n";
    files::file(&etc.join("resolv.conf"), 0o644, resolver)?;
    files::file(&etc.join("machine-id"), 0o444, machine_id(spec.id.as_str()))?;
    files::file(&etc.join("environment"), 0o644, assignments("", &spec.env))?;
    files::directory(&etc.join("profile.d"), 0o755)?;
    files::file(&etc.join("profile.d/rolecall.sh"), 0o644, assignments("export ", &spec.env))?;
    accounts(etc, plan.users)
}

fn hosts(plan: &Plan, name: &str) -> String {
    let spec = &plan.spec;
    format!(
        "127.0.0.1 localhost\n::1 localhost ip6-localhost\n{} {} {name}\n\
         169.254.169.254 instance-data instance-data.ec2.internal\n{} rolecall.internal\n",
        spec.private_ip,
        spec.hostname,
        spec.api.ip(),
    )
}

/// 32 hexadecimal digits, the same at every boot.
fn machine_id(id: &str) -> String {
    let digits = id.strip_prefix("i-").unwrap_or(id);
    format!("{digits:0>32}\n")
}

fn assignments(before: &str, env: &[(String, String)]) -> String {
    let plain = |value: &&(String, String)| !value.1.contains(['\'', '\n']);
    env.iter().filter(plain).map(|(name, value)| format!("{before}{name}='{value}'\n")).collect()
}

fn accounts(etc: &Path, users: Users) -> io::Result<()> {
    let host = |name: &str| fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
    let (passwd, group) = match users {
        Users::Full => (system_lines(&host("passwd")), system_lines(&host("group"))),
        // Other users' ids do not exist here. No group `tty`: sshd would give terminals to it.
        Users::Single | Users::Host => (String::new(), String::new()),
    };
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let passwd = format!(
        "root:x:0:0:root:/root:{shell}\n{passwd}\
         {LOGIN_USER}:x:{LOGIN_ID}:{LOGIN_ID}:EC2 Default User:/home/{LOGIN_USER}:{shell}\n\
         nobody:x:{NOBODY}:{NOBODY}:nobody:/nonexistent:/usr/sbin/nologin\n"
    );
    let group = format!("root:x:0:\n{group}{LOGIN_USER}:x:{LOGIN_ID}:\nnogroup:x:{NOBODY}:\n");
    let names = passwd.lines().filter_map(|line| line.split(':').next());
    let shadow: String = names.map(|name| format!("{name}:*:19000:0:99999:7:::\n")).collect();
    files::file_once(&etc.join("passwd"), 0o644, &passwd)?;
    files::file_once(&etc.join("group"), 0o644, &group)?;
    files::file_once(&etc.join("shadow"), 0o600, shadow)?;
    files::file_once(&etc.join("gshadow"), 0o600, "")?;
    if users == Users::Full {
        let rules = format!(
            "Defaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n\
             Defaults env_keep += \"AWS_ENDPOINT_URL AWS_REGION AWS_DEFAULT_REGION\"\n\
             root ALL=(ALL:ALL) ALL\n{LOGIN_USER} ALL=(ALL) NOPASSWD:ALL\n"
        );
        files::file_once(&etc.join("sudoers"), 0o440, rules)?;
        // The host's settings would be refused: their owner is not the instance's root.
        files::file_once(&etc.join("sudo.conf"), 0o644, "")?;
    }
    Ok(())
}

/// The lines of `/etc/passwd` or `/etc/group` that belong to the system and not to people.
fn system_lines(text: &str) -> String {
    let system = |line: &&str| {
        let id = line.split(':').nth(2).and_then(|field| field.parse::<u32>().ok());
        id.is_some_and(|id| (1..LOGIN_ID).contains(&id))
    };
    text.lines().filter(system).map(|line| format!("{line}\n")).collect()
}

/// What an instance must not read of the host's `/etc`, though its root has the host's root's id when
/// the server is root.
pub(super) fn secrets() -> Vec<PathBuf> {
    let fixed = ["shadow-", "gshadow-", "krb5.keytab", "ssl/private", "letsencrypt", "wireguard"];
    let mut secrets: Vec<_> = fixed.iter().map(|name| Path::new("/etc").join(name)).collect();
    let host_keys = fs::read_dir("/etc/ssh").into_iter().flatten().flatten().map(|entry| entry.path());
    secrets.extend(host_keys.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ssh_host_") && !name.ends_with(".pub")
    }));
    secrets
}

/// Makes the directories of the instance's own root: homes, `/var`, `/tmp`, mount points.
pub(super) fn own_directories(root: &Path, plan: &Plan) -> io::Result<()> {
    let plain =
        ["boot", "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "var"];
    for name in plain {
        files::directory(&root.join(name), 0o755)?;
    }
    for name in ["cache", "empty", "lib", "log", "mail", "opt", "spool"] {
        files::directory(&root.join("var").join(name), 0o755)?;
    }
    for name in ["tmp", "var/tmp"] {
        files::directory(&root.join(name), 0o1777)?;
    }
    files::link_once(&root.join("var/run"), "/run")?;
    files::link_once(&root.join("var/lock"), "/run/lock")?;
    files::directory(&root.join("root"), 0o700)?;
    login_home(root, plan)
}

fn login_home(root: &Path, plan: &Plan) -> io::Result<()> {
    let home = root.join("home").join(LOGIN_USER);
    if home.exists() {
        return Ok(());
    }
    let keys: String = plan.spec.authorized_keys.iter().map(|key| format!("{}\n", key.trim())).collect();
    files::directory(&home, 0o700)?;
    files::directory(&home.join(".ssh"), 0o700)?;
    files::file(&home.join(".ssh/authorized_keys"), 0o600, keys)?;
    if plan.users == Users::Full {
        for path in ["", ".ssh", ".ssh/authorized_keys"] {
            chown(home.join(path), Some(LOGIN_ID), Some(LOGIN_ID))?;
        }
    }
    Ok(())
}

/// Writes `sshd`'s settings.
pub(super) fn sshd_settings(root: &Path, plan: &Plan) -> io::Result<()> {
    let directory = root.join(SSH_DIRECTORY);
    files::directory(&directory, 0o755)?;
    let usable = |pair: &&(String, String)| !pair.1.contains(['"', '\n']);
    let env: Vec<_> = plan.spec.env.iter().filter(usable).map(|(n, v)| format!("\"{n}={v}\"")).collect();
    let set_env = if env.is_empty() { String::new() } else { format!("SetEnv {}\n", env.join(" ")) };
    let settings = format!(
        "HostKey /{SSH_DIRECTORY}/ssh_host_ed25519_key\n\
         AuthorizedKeysFile .ssh/authorized_keys\n\
         AuthenticationMethods publickey\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PermitRootLogin no\n\
         UsePAM no\n\
         UseDNS no\n\
         PidFile none\n\
         AcceptEnv LANG LC_*\n\
         Subsystem sftp internal-sftp\n\
         {set_env}"
    );
    files::file(&directory.join("sshd_config"), 0o644, settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_the_host_are_no_users_of_the_instance() {
        let host =
            "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(system_lines(host), "daemon:x:1:1::/:/bin/false\n");
    }

    #[test]
    fn environment_values_stay_values() {
        let env = [("A".to_owned(), "$(id)".to_owned()), ("B".to_owned(), "'; id; '".to_owned())];
        assert_eq!(assignments("export ", &env), "export A='$(id)'\n");
    }
}
