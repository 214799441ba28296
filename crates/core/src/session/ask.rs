//! How long attributes stay: asked and set behind the mutations that were made before.

use super::attributes::Id;
use super::{Event, Now, Purpose, Session, check_name, handle::refusal};
use crate::command::{Answer, Command};
use crate::error::SyncError;

/// Between attempts while the backend is busy, in milliseconds.
const ASK_AGAIN_MS: u64 = 200;

/// A command about one attribute. Each may be carried out twice: it goes out again after a lost connection.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    number: u64,
    name: String,
    command: Command,
    /// The mutations up to this one go first.
    after: u64,
    /// The backend was busy: not before this monotonic time.
    not_before_ms: Option<u64>,
}

impl Session {
    /// Let an attribute expire, `ms` milliseconds from when the backend hears of it. Answered by [`Event::Lifetime`] with
    /// the number that this gives, once what was mutated before is acknowledged.
    pub fn expire(&mut self, name: &str, ms: u64) -> Result<u64, SyncError> {
        self.ask(name, Command::Expire { key: self.key(name), ms })
    }

    /// Let it stay. Answered like [`Self::expire`].
    pub fn persist(&mut self, name: &str) -> Result<u64, SyncError> {
        self.ask(name, Command::Persist { key: self.key(name) })
    }

    /// Ask how long it stays. Answered like [`Self::expire`].
    pub fn ttl(&mut self, name: &str) -> Result<u64, SyncError> {
        self.ask(name, Command::Ttl { key: self.key(name) })
    }

    fn ask(&mut self, name: &str, command: Command) -> Result<u64, SyncError> {
        check_name(name)?;
        self.last_ask += 1;
        let (number, name, after) = (self.last_ask, name.to_owned(), self.last_mutation);
        self.put_ask(Ask { number, name, command, after, not_before_ms: None });
        Ok(number)
    }

    /// It waits for the mutations before it, if there are such.
    fn put_ask(&mut self, ask: Ask) {
        if let Some(id) = self.attributes.find(&ask.name)
            && self.attributes[id].replica.first_pending().is_some_and(|first| first <= ask.after)
        {
            self.attributes[id].asks.push(ask);
        } else {
            self.asks.insert(ask.number, ask);
        }
    }

    /// Those that waited for mutations which are settled now need not any longer.
    pub(super) fn release_asks(&mut self, id: Id) {
        for ask in std::mem::take(&mut self.attributes[id].asks) {
            self.put_ask(ask);
        }
    }

    pub(super) fn send_asks(&mut self, now: Now) {
        for mut ask in std::mem::take(&mut self.asks).into_values() {
            ask.not_before_ms = ask.not_before_ms.filter(|at| *at > now.monotonic_ms);
            if ask.not_before_ms.is_some() {
                self.asks.insert(ask.number, ask);
            } else {
                let command = ask.command.clone();
                self.send(Purpose::Ask(ask), command, 0, now);
            }
        }
    }

    pub(super) fn next_ask_at(&self) -> Option<u64> {
        self.asks.values().filter_map(|ask| ask.not_before_ms).min()
    }

    pub(super) fn take_asked(&mut self, ask: Ask, answer: Answer, now: Now) {
        let lifetime = match answer {
            Answer::Lifetime(lifetime) => Ok(lifetime),
            Answer::Busy(_) => {
                let not_before_ms = Some(now.monotonic_ms + ASK_AGAIN_MS);
                self.asks.insert(ask.number, Ask { not_before_ms, ..ask });
                return;
            }
            other => Err(refusal(other)),
        };
        self.events.push_back(Event::Lifetime { request: ask.number, lifetime });
    }

    /// The answer will not come, and it may be asked again at once.
    pub(super) fn ask_again(&mut self, ask: Ask) {
        self.put_ask(Ask { not_before_ms: None, ..ask });
    }
}
