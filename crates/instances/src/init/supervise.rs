//! Stage two, process 1 of the instance: makes its place, then waits for requests and ended children.

mod console;
mod conversation;
mod power;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, WaitStatus, wait};

use self::console::Console;
use self::conversation::Conversation;
use self::power::Power;
use super::launch::report;
use super::spawn::Spawner;
use super::userdata::{self, UserDataStep};
use super::{Outcome, Plan, complain, doing, network, root, system};
use crate::console::ConsoleLog;
use crate::driver::FileSystem;
use crate::exec::{ExecRequest, ExecStatus};
use crate::layout::{self, SSH_DIRECTORY};
use crate::spec::Address;
use crate::wire::{self, Channel, Place, Progress};

/// Builds the instance in the current directory and looks after it until it ends. `shown` are the
/// numbers of open descriptors, one for each directory to show.
pub(super) fn boot(prefix: &[&str], shown: impl Iterator<Item = OsString>) -> ExitCode {
    let shown: Vec<_> = shown.map(|number| Path::new("/proc/self/fd").join(number)).collect();
    match Supervisor::build(prefix, &shown) {
        Ok(mut supervisor) => {
            report(&Progress::Ready);
            match supervisor.go_silent().and_then(|()| supervisor.run()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    supervisor.console.say(&format!("init failed: {}", failure.0));
                    ExitCode::FAILURE
                }
            }
        }
        Err(failure) => {
            report(&Progress::Failed(failure.0.clone()));
            complain(&failure.0)
        }
    }
}

/// Which program a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    /// Asked for in this conversation.
    Program(u64),
    UserData,
    Sshd,
}

struct Supervisor {
    plan: Plan,
    place: Place,
    spawner: Spawner,
    listeners: [TcpListener; 2],
    control: OwnedFd,
    signals: SignalFd,
    console: Console,
    children: HashMap<u32, Child>,
    conversations: HashMap<u64, Conversation>,
    next_conversation: u64,
    /// Process groups that were hung up, to be killed at this time if they still are.
    hung_up: Vec<(u32, Instant)>,
    power: Power,
    /// Since when no server is attached.
    orphan_since: Option<Instant>,
}

impl Supervisor {
    fn build(prefix: &[&str], shown: &[PathBuf]) -> Outcome<Self> {
        let plan = Plan::read()?;
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let signals = system::child_signals().map_err(doing("blocking signals"))?;
        let spec = &plan.spec;
        let addresses = [*Address::METADATA.ip(), *spec.api.ip(), spec.private_ip];
        let addresses: Vec<_> = addresses.into_iter().filter(Ipv4Addr::is_unicast).collect();
        network::bring_up(&addresses).map_err(doing("setting up the network"))?;
        let listeners = [listen(Address::METADATA.into())?, listen(spec.api.into())?];
        let control =
            wire::listen(Path::new("."), layout::CONTROL).map_err(doing("making the control socket"))?;
        let log = open_log(Path::new(layout::CONSOLE)).map_err(doing("opening the console's file"))?;
        let file_system = root::build(&plan, shown)?;
        rustix::system::sethostname(spec.hostname.as_bytes()).map_err(doing("setting the host name"))?;
        root::enter()?;
        system::limit(&spec.limits).map_err(doing("setting limits"))?;
        system::close_off().map_err(doing("closing process 1 off"))?;
        let console = Console::new(log).map_err(doing("making the console"))?;
        let ssh_host_key = plan.sshd.as_ref().and_then(|_| host_key().ok());
        Ok(Self {
            place: Place { file_system, users: plan.users, ssh_host_key },
            spawner: Spawner {
                prefix: prefix.iter().map(|&argument| argument.to_owned()).collect(),
                users: plan.users,
                env: spec.env.clone(),
            },
            plan,
            listeners,
            control,
            signals,
            console,
            children: HashMap::new(),
            conversations: HashMap::new(),
            next_conversation: 0,
            hung_up: Vec::new(),
            power: Power::On,
            orphan_since: Some(Instant::now()),
        })
    }

    /// The streams of process 1 were for starting it.
    fn go_silent(&self) -> Outcome<()> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&null).map_err(doing("closing output"))?;
        rustix::stdio::dup2_stderr(&null).map_err(doing("closing output"))
    }

    fn run(&mut self) -> Outcome<()> {
        self.start_up();
        while self.power != Power::Off {
            self.wait_for_something()?;
        }
        Ok(())
    }

    /// What happens at each boot once the place is there.
    fn start_up(&mut self) {
        let spec = &self.plan.spec;
        self.console.say(&format!("{} boots as {} ({})", spec.id, spec.hostname, spec.private_ip));
        if let FileSystem::Overlay { notes } = &self.place.file_system {
            for note in notes {
                self.console.say(note);
            }
        }
        self.show_host_key();
        match userdata::prepare(&self.plan) {
            Ok(UserDataStep::Nothing(why)) => {
                if let Some(why) = why {
                    self.console.say(why);
                }
            }
            Ok(UserDataStep::Run(script)) => self.run_user_data(&script),
            Err(error) => self.console.say(&format!("user data: {error}")),
        }
    }

    /// As cloud-init shows it, so that a first login can be checked against the console's output.
    fn show_host_key(&mut self) {
        let Some(key) = &self.place.ssh_host_key else {
            self.console.say("no ssh: no sshd is installed, or it has no key");
            return;
        };
        let fingerprint = ssh_keygen(&["-l", "-f"]).unwrap_or_default();
        self.console.write(
            format!(
                "-----BEGIN SSH HOST KEY FINGERPRINTS-----\n{fingerprint}\
                 -----END SSH HOST KEY FINGERPRINTS-----\n\
                 -----BEGIN SSH HOST KEY KEYS-----\n{key}\n-----END SSH HOST KEY KEYS-----\n"
            )
            .as_bytes(),
        );
    }

    fn run_user_data(&mut self, script: &Path) {
        let request = ExecRequest {
            cwd: Some("/".to_owned()),
            ..ExecRequest::new([script.to_string_lossy().into_owned()])
        };
        let started = self.console.output_streams().and_then(|streams| self.spawner.spawn(request, streams));
        match started {
            Ok(pid) => {
                self.console.say("running user data");
                self.children.insert(pid, Child::UserData);
            }
            Err(error) => self.console.say(&format!("user data: {error}")),
        }
    }

    fn wait_for_something(&mut self) -> Outcome<()> {
        let ready = self.poll().map_err(doing("waiting"))?;
        if ready.signals {
            self.reap();
        }
        if ready.console {
            self.console.relay();
        }
        if ready.control {
            self.accept();
        }
        for id in ready.conversations {
            self.hear(id);
        }
        self.kill_hung_up();
        self.mind_orphanhood();
        self.mind_power();
        Ok(())
    }

    fn poll(&self) -> io::Result<Ready> {
        let ids: Vec<u64> = self.conversations.keys().copied().collect();
        let mut polled =
            vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&self.control, PollFlags::IN)];
        let talks = ids.iter().filter_map(|id| self.conversations.get(id));
        polled.extend(talks.map(|talk| PollFd::from_borrowed_fd(talk.channel.as_fd(), PollFlags::IN)));
        polled.extend(self.console.sources().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let timeout = self.patience().map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut flags = polled.iter().map(|fd| !fd.revents().is_empty());
        let mut next = || flags.next().unwrap_or(false);
        let (signals, control) = (next(), next());
        let conversations = ids.into_iter().filter(|_| next()).collect();
        Ok(Ready { signals, control, conversations, console: flags.any(|ready| ready) })
    }

    /// How long to wait before something is due by itself.
    fn patience(&self) -> Option<Duration> {
        let grace = Duration::from_secs(self.plan.orphan_grace_seconds);
        let orphan = self.orphan_since.map(|since| since + grace);
        let hung_up = self.hung_up.iter().map(|&(_, until)| until).min();
        let due = [orphan, hung_up, self.power.due()].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn reap(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            self.hung_up.retain(|&(group, _)| group != pid);
            match self.children.remove(&pid) {
                Some(Child::Program(id)) => self.tell_end(id, ended(status)),
                Some(Child::UserData) => {
                    self.console.relay();
                    self.console.say(&format!("user data ended with {}", ended(status).code()));
                }
                Some(Child::Sshd) | None => {}
            }
        }
    }

    /// A server that never comes back leaves no instance behind.
    fn mind_orphanhood(&mut self) {
        let attached = self.conversations.values().any(Conversation::is_attachment);
        match (attached, self.orphan_since) {
            (true, _) => self.orphan_since = None,
            (false, None) => self.orphan_since = Some(Instant::now()),
            (false, Some(since)) => {
                if since.elapsed() >= Duration::from_secs(self.plan.orphan_grace_seconds) {
                    self.console.say("no server has been attached for too long");
                    self.begin_stop(Duration::from_secs(5), power::Then::Off);
                }
            }
        }
    }
}

/// What a poll found.
struct Ready {
    signals: bool,
    control: bool,
    console: bool,
    conversations: Vec<u64>,
}

fn ended(status: WaitStatus) -> ExecStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExecStatus::Exited(code),
        (None, Some(signal)) => ExecStatus::Signaled(signal),
        (None, None) => ExecStatus::Exited(-1),
    }
}

fn listen(address: std::net::SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address).map_err(doing(format!("listening at {address}")))
}

fn open_log(path: &Path) -> io::Result<ConsoleLog> {
    ConsoleLog::new(File::options().read(true).write(true).create(true).truncate(false).open(path)?)
}

fn host_key_path() -> PathBuf {
    Path::new("/").join(SSH_DIRECTORY).join("ssh_host_ed25519_key")
}

/// `sshd`'s public host key, made at the first boot.
fn host_key() -> io::Result<String> {
    if !host_key_path().exists() {
        ssh_keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "root", "-f"])?;
    }
    Ok(fs::read_to_string(host_key_path().with_extension("pub"))?.trim().to_owned())
}

fn ssh_keygen(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .arg(host_key_path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other("ssh-keygen failed"))
    }
}

/// Which addresses can be put on an interface.
trait Unicast {
    fn is_unicast(&self) -> bool;
}

impl Unicast for Ipv4Addr {
    fn is_unicast(&self) -> bool {
        !(self.is_loopback() || self.is_unspecified() || self.is_multicast() || self.is_broadcast())
    }
}

/// A conversation that has just begun.
fn begun(channel: Channel) -> Conversation {
    Conversation::new(channel)
}
