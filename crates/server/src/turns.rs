//! When an answer is written. A worker with little to do writes each at once. A busy one first handles what other
//! connections have sent, and writes the answers in a row: clients on this machine are woken once for several
//! answers, where each would take the processor from the next request otherwise.

use std::cell::Cell;

/// How many answers between two rests make a worker busy.
const BUSY: u32 = 4;

/// The answers of this thread.
#[derive(Clone, Copy)]
struct Turns {
    since_rest: u32,
    before_rest: u32,
}

impl Turns {
    const NONE: Self = Self { since_rest: 0, before_rest: 0 };

    fn answered(self) -> Self {
        Self { since_rest: self.since_rest.saturating_add(1), ..self }
    }

    fn rested(self) -> Self {
        Self { since_rest: 0, before_rest: self.since_rest }
    }

    fn are_many(self) -> bool {
        self.since_rest.max(self.before_rest) >= BUSY
    }
}

thread_local! {
    static TURNS: Cell<Turns> = const { Cell::new(Turns::NONE) };
}

/// To be called by a thread of the runtime before it waits, having nothing left to do. In a runtime that never
/// calls it, all workers count as busy.
pub fn worker_rests() {
    TURNS.set(TURNS.get().rested());
}

/// Waits, on a busy worker, for the requests that were read already.
pub(crate) async fn turn_to_write() {
    let turns = TURNS.get().answered();
    TURNS.set(turns);
    if turns.are_many() {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_busy_when_it_had_many_answers_in_this_turn_or_the_last() {
        let mut turns = Turns::NONE;
        for _ in 0..BUSY - 1 {
            turns = turns.answered();
            assert!(!turns.are_many());
        }
        turns = turns.answered();
        assert!(turns.are_many());
        turns = turns.rested();
        assert!(turns.are_many());
        assert!(turns.answered().are_many());
        assert!(!turns.answered().rested().are_many());
    }

    #[tokio::test]
    async fn others_go_first_on_a_busy_worker_only() {
        for (answers, expected) in [(1, ["answer", "other"]), (BUSY, ["other", "answer"])] {
            worker_rests();
            worker_rests();
            let order = std::sync::Mutex::new(Vec::new());
            let answer = async {
                for _ in 0..answers {
                    turn_to_write().await;
                }
                order.lock().unwrap().push("answer");
            };
            tokio::join!(answer, async { order.lock().unwrap().push("other") });
            assert_eq!(order.into_inner().unwrap(), expected);
        }
    }
}
