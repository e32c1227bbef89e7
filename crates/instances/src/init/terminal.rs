//! Terminals of the instance's own: its console, and those of programs that are run on one.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use crate::exec::TerminalSize;

/// Both sides of a terminal.
pub(super) struct Terminal {
    pub(super) master: OwnedFd,
    pub(super) slave: OwnedFd,
}

impl Terminal {
    /// A new one of the instance's `/dev/pts`.
    pub(super) fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        Ok(Self { master, slave })
    }

    /// One of this size, for a program.
    pub(super) fn sized(size: TerminalSize) -> io::Result<Self> {
        let terminal = Self::open()?;
        resize(&terminal.master, size)?;
        Ok(terminal)
    }

    /// The console: what is written to `/dev/console` comes out of the master side unchanged.
    pub(super) fn console() -> io::Result<Self> {
        let console = Self::open()?;
        let mut modes = tcgetattr(&console.slave)?;
        modes.output_modes.remove(OutputModes::OPOST);
        tcsetattr(&console.slave, OptionalActions::Now, &modes)?;
        rustix::io::ioctl_fionbio(&console.master, true)?;
        let name = ptsname(&console.master, Vec::new())?;
        rustix::mount::mount_bind(name.as_c_str(), "/dev/console")?;
        Ok(console)
    }

    /// The slave side three times, for a program's streams.
    pub(super) fn streams(&self) -> io::Result<[OwnedFd; 3]> {
        let again = || self.slave.try_clone();
        Ok([again()?, again()?, again()?])
    }
}

/// Changes a terminal's size.
pub(crate) fn resize(terminal: &OwnedFd, size: TerminalSize) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}

/// Reads what there is without waiting; nothing when there is none.
pub(super) fn available(from: &mut File, buffer: &mut [u8]) -> usize {
    io::Read::read(from, buffer).unwrap_or(0)
}
