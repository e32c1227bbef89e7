//! The instance's console: `/dev/console`, user data's output and what init says, into one file.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::console::ConsoleLog;
use crate::init::terminal::{Terminal, available};

const OUTPUT_LOG: &str = "/var/log/cloud-init-output.log";

pub(super) struct Console {
    log: ConsoleLog,
    /// The master side of `/dev/console`.
    master: File,
    /// Kept open: with no slave side left, reading the master would fail for ever.
    _slave: OwnedFd,
    /// User data's output.
    output: File,
    /// Kept open for the user data of later boots.
    writer: PipeWriter,
}

impl Console {
    pub(super) fn new(log: ConsoleLog) -> io::Result<Self> {
        let Terminal { master, slave } = Terminal::console()?;
        let (reader, writer): (PipeReader, PipeWriter) = io::pipe()?;
        let output = OwnedFd::from(reader);
        rustix::io::ioctl_fionbio(&output, true)?;
        Ok(Self { log, master: master.into(), _slave: slave, output: output.into(), writer })
    }

    /// What is to be relayed.
    pub(super) fn sources(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.master.as_fd(), self.output.as_fd()].into_iter()
    }

    /// Streams for user data: no input, output to here.
    pub(super) fn output_streams(&self) -> io::Result<[OwnedFd; 3]> {
        let null = File::open("/dev/null")?;
        Ok([null.into(), self.writer.try_clone()?.into(), self.writer.try_clone()?.into()])
    }

    /// Moves what has come into the log.
    pub(super) fn relay(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            let length = available(&mut self.output, &mut buffer);
            let bytes = buffer.get(..length).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            self.write(bytes);
            let file = File::options().create(true).append(true).open(OUTPUT_LOG);
            // The console has it; a full disk must not stop process 1.
            let _ = file.and_then(|mut file| file.write_all(bytes));
        }
        let length = available(&mut self.master, &mut buffer);
        self.write(buffer.get(..length).unwrap_or_default());
    }

    /// A line of init's own.
    pub(super) fn say(&mut self, text: &str) {
        self.write(format!("rolecall-init: {text}\n").as_bytes());
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        // As above: there is nowhere to complain to.
        let _ = self.log.write(bytes);
    }
}
