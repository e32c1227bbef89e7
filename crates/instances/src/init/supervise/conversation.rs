//! Answering the server's requests.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::power::{Power, Then};
use super::{Child, Supervisor, begun};
use crate::driver::Users;
use crate::exec::{ExecRequest, ExecStatus};
use crate::init::etc::LOGIN_USER;
use crate::init::terminal::Terminal;
use crate::layout::SSH_DIRECTORY;
use crate::wire::{Channel, Reply, Request};

/// How long a program whose caller is gone may take to notice.
const HANG_UP_GRACE: Duration = Duration::from_secs(2);

/// A connection, and what it is about.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) channel: Channel,
    topic: Topic,
}

#[derive(Debug, PartialEq, Eq)]
enum Topic {
    /// Nothing yet.
    New,
    /// A server that serves the listeners.
    Attachment,
    /// A program, by its process id.
    Program(u32),
    /// A reboot that is under way.
    Reboot,
}

impl Conversation {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, topic: Topic::New }
    }

    pub(super) fn is_attachment(&self) -> bool {
        self.topic == Topic::Attachment
    }

    fn reply(&self, reply: &Reply) {
        // A caller that is gone is noticed at the next read.
        let _ = self.channel.send(reply, &[]);
    }
}

impl Supervisor {
    pub(super) fn accept(&mut self) {
        while let Ok(channel) = Channel::accept(&self.control) {
            self.conversations.insert(self.next_conversation, begun(channel));
            self.next_conversation += 1;
        }
    }

    /// Reads one message of a conversation.
    pub(super) fn hear(&mut self, id: u64) {
        let Some(conversation) = self.conversations.get(&id) else { return };
        match conversation.channel.receive::<Request>() {
            Ok(Some((request, descriptors))) => self.answer(id, request, descriptors),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(None) | Err(_) => self.close(id),
        }
    }

    fn close(&mut self, id: u64) {
        let Some(gone) = self.conversations.remove(&id) else { return };
        if let Topic::Program(pid) = gone.topic
            && self.children.contains_key(&pid)
        {
            signal_group(pid, Signal::SIGHUP);
            self.hung_up.push((pid, Instant::now() + HANG_UP_GRACE));
        }
    }

    fn answer(&mut self, id: u64, request: Request, descriptors: Vec<OwnedFd>) {
        let outcome = match request {
            Request::Attach => self.attach(id),
            Request::Exec(request) => self.exec(id, request, descriptors),
            Request::Signal(number) => self.signal(id, number),
            Request::Ssh => self.ssh(id, descriptors),
            Request::Stop { grace_millis } => {
                self.begin_stop(Duration::from_millis(grace_millis), Then::Off);
                Ok(Some(Reply::Done))
            }
            Request::Reboot => {
                self.set_topic(id, Topic::Reboot);
                self.begin_stop(Duration::from_secs(5), Then::Reboot);
                Ok(None)
            }
        };
        let reply = outcome.unwrap_or_else(|error| Some(Reply::Failed(error.to_string())));
        if let (Some(reply), Some(conversation)) = (reply, self.conversations.get(&id)) {
            conversation.reply(&reply);
        }
    }

    fn set_topic(&mut self, id: u64, topic: Topic) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.topic = topic;
        }
    }

    fn attach(&mut self, id: u64) -> io::Result<Option<Reply>> {
        let reply = Reply::Attached(self.place.clone());
        let [metadata, api] = &self.listeners;
        if let Some(conversation) = self.conversations.get(&id) {
            conversation.channel.send(&reply, &[metadata.as_fd(), api.as_fd()])?;
        }
        self.set_topic(id, Topic::Attachment);
        Ok(None)
    }

    fn exec(&mut self, id: u64, request: ExecRequest, given: Vec<OwnedFd>) -> io::Result<Option<Reply>> {
        if self.power != Power::On {
            return Err(invalid("the instance is being stopped"));
        }
        let terminal = request.terminal.map(Terminal::sized).transpose()?;
        let streams = match &terminal {
            Some(terminal) => terminal.streams()?,
            None => <[OwnedFd; 3]>::try_from(given).map_err(|_| invalid("a program needs three streams"))?,
        };
        let pid = self.spawner.spawn(request, streams)?;
        self.children.insert(pid, Child::Program(id));
        self.set_topic(id, Topic::Program(pid));
        if let Some(conversation) = self.conversations.get(&id) {
            let master: Vec<_> = terminal.iter().map(|terminal| terminal.master.as_fd()).collect();
            conversation.channel.send(&Reply::Started, &master)?;
        }
        Ok(None)
    }

    fn signal(&self, id: u64, number: i32) -> io::Result<Option<Reply>> {
        let signal = Signal::try_from(number)?;
        if let Some(Conversation { topic: Topic::Program(pid), .. }) = self.conversations.get(&id)
            && self.children.contains_key(pid)
        {
            signal_group(*pid, signal);
        }
        Ok(None)
    }

    fn ssh(&mut self, _id: u64, given: Vec<OwnedFd>) -> io::Result<Option<Reply>> {
        let sshd = self.plan.sshd.as_ref().filter(|_| self.place.ssh_host_key.is_some());
        let sshd = sshd.ok_or_else(|| invalid("no sshd"))?;
        let connection = given.into_iter().next().ok_or_else(|| invalid("no connection"))?;
        let settings = format!("/{SSH_DIRECTORY}/sshd_config");
        let sshd = sshd.to_string_lossy().into_owned();
        let argv = [sshd.as_str(), "-i", "-f", &settings, "-E", "/var/log/sshd.log"];
        let user = match self.plan.users {
            Users::Full => "root",
            // Without other ids, sshd can serve only the user that it runs as.
            Users::Single | Users::Host => LOGIN_USER,
        };
        let request = ExecRequest { user: Some(user.to_owned()), ..ExecRequest::new(argv) };
        let null = std::fs::File::options().write(true).open("/dev/null")?;
        let pid = self.spawner.spawn(request, [connection.try_clone()?, connection, null.into()])?;
        self.children.insert(pid, Child::Sshd);
        Ok(Some(Reply::Done))
    }

    pub(super) fn tell_end(&mut self, id: u64, status: ExecStatus) {
        if let Some(conversation) = self.conversations.remove(&id) {
            conversation.reply(&Reply::Ended(status));
        }
    }

    pub(super) fn tell_rebooted(&mut self) {
        for (_, done) in self.conversations.extract_if(|_, talk| talk.topic == Topic::Reboot) {
            done.reply(&Reply::Done);
        }
    }

    pub(super) fn kill_hung_up(&mut self) {
        let now = Instant::now();
        for (pid, _) in self.hung_up.extract_if(.., |(_, until)| *until <= now) {
            signal_group(pid, Signal::SIGKILL);
        }
    }
}

fn signal_group(pid: u32, signal: Signal) {
    let Ok(pid) = i32::try_from(pid).map(Pid::from_raw) else { return };
    // A program that has just been started has no group of its own yet. It may also have ended just
    // now, but not be reaped, so its number is still its own.
    if killpg(pid, signal).is_err() {
        let _ = kill(pid, signal);
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
