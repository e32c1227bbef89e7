//! Stopping and rebooting: ask every process to end, then make it.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Supervisor;
use crate::init::system;

/// How often a stopping instance looks whether any process is left.
const GLANCE: Duration = Duration::from_millis(20);

/// Whether the instance is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    /// Processes are being ended; killed at the deadline.
    Stopping {
        deadline: Instant,
        then: Then,
    },
    Off,
}

/// What comes after all processes have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Off,
    Reboot,
}

impl Power {
    pub(super) fn due(&self) -> Option<Instant> {
        matches!(self, Self::Stopping { .. }).then(|| Instant::now() + GLANCE)
    }
}

impl Supervisor {
    /// Asks all processes to end. A second request may shorten the grace, and a stop beats a reboot.
    pub(super) fn begin_stop(&mut self, grace: Duration, then: Then) {
        let deadline = Instant::now() + grace;
        let (deadline, then) = match self.power {
            Power::Off => return,
            Power::On => (deadline, then),
            Power::Stopping { deadline: before, then: planned } => {
                (deadline.min(before), if planned == Then::Off { Then::Off } else { then })
            }
        };
        if self.power == Power::On {
            self.console.say(match then {
                Then::Off => "stopping",
                Then::Reboot => "rebooting",
            });
            to_all(Signal::SIGTERM);
            // Login shells ignore SIGTERM and end at SIGHUP.
            to_all(Signal::SIGHUP);
            to_all(Signal::SIGCONT);
        }
        self.power = Power::Stopping { deadline, then };
    }

    pub(super) fn mind_power(&mut self) {
        let Power::Stopping { deadline, then } = self.power else { return };
        if system::others_left() {
            if Instant::now() >= deadline {
                to_all(Signal::SIGKILL);
            }
            return;
        }
        self.reap();
        self.console.relay();
        match then {
            Then::Off => self.power = Power::Off,
            Then::Reboot => {
                self.power = Power::On;
                self.start_up();
                self.tell_rebooted();
            }
        }
    }
}

/// Signals every process of the instance but this one.
fn to_all(signal: Signal) {
    // Fails when there is none.
    let _ = kill(Pid::from_raw(-1), signal);
}
