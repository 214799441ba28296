//! Waiting for the replicas of several masters.

use super::super::slot::Slot;
use super::slot_map::SlotMap;
use crate::link::{Origin, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use synced_memory_core::protocol::{Answer, RequestId};

/// The session id under which parts of commands are sent. No session has it.
const PARTS: SessionId = SessionId(u64::MAX);
/// The number of names that are tried to find one whose slot a certain master serves.
const MAX_NAMES: u32 = 100_000;

/// The commands that wait for replicas, each in parts: one for each master that its session has written to. The answer to
/// the command is the smallest number among the parts.
#[derive(Default)]
pub(super) struct Replications {
    /// The slots that each session has written to since enough replicas had everything.
    written: BTreeMap<SessionId, BTreeSet<Slot>>,
    waiting: BTreeMap<Origin, Replication>,
    /// The command that each part belongs to.
    parts: BTreeMap<Origin, Origin>,
    last_part: u64,
}

struct Replication {
    wanted: u32,
    /// The smallest number among the parts that are answered.
    fewest: u32,
    unanswered: usize,
    /// Written to before the command was sent.
    slots: BTreeSet<Slot>,
}

impl Replications {
    /// A session has written to a document in this slot.
    pub(super) fn note_write(&mut self, session: SessionId, slot: Slot) {
        self.written.entry(session).or_default().insert(slot);
    }

    /// WAIT is routed by a key, the marker key. For each master that the session has written to, this gives a prefix of such
    /// a key whose slot that master serves. None if the master of a slot is not known.
    pub(super) fn marker_prefixes(&self, session: SessionId, prefix: &str, map: &SlotMap) -> Option<Vec<String>> {
        let slots = self.written.get(&session).into_iter().flatten();
        let masters = slots.map(|slot| map.master(*slot)).collect::<Option<BTreeSet<_>>>()?;
        let serves = |name: &String, master| map.master(Slot::of_key(name)) == Some(master);
        // No attribute has a name that begins with `$`.
        let names = || (0..MAX_NAMES).map(|n| format!("{prefix}$replicas{n}"));
        masters.into_iter().map(|master| names().find(|name| serves(name, master))).collect()
    }

    /// Start a command. Gives the origins of its parts.
    pub(super) fn start(&mut self, origin: Origin, wanted: u32, parts: usize) -> Vec<Origin> {
        let slots = self.written.remove(&origin.session).unwrap_or_default();
        self.waiting.insert(origin, Replication { wanted, fewest: u32::MAX, unanswered: parts, slots });
        let numbers = self.last_part + 1..=self.last_part + parts as u64;
        self.last_part = *numbers.end();
        let parts: Vec<_> = numbers.map(|number| Origin { session: PARTS, request: RequestId(number) }).collect();
        self.parts.extend(parts.iter().map(|part| (*part, origin)));
        parts
    }

    /// Take in an answer. Gives the answer for a session: this one unless it is that of a part, else that of the command
    /// once it is complete.
    pub(super) fn gather(&mut self, (origin, answer): (Origin, Answer)) -> Option<(Origin, Answer)> {
        if origin.session != PARTS {
            return Some((origin, answer));
        }
        let command = self.parts.remove(&origin)?;
        let replication = self.waiting.get_mut(&command)?;
        let Answer::Replicas(count) = answer else {
            self.end(command);
            return Some((command, answer));
        };
        replication.fewest = replication.fewest.min(count);
        replication.unanswered -= 1;
        if replication.unanswered > 0 {
            return None;
        }
        let (fewest, is_reached) = (replication.fewest, replication.fewest >= replication.wanted);
        if is_reached {
            self.waiting.remove(&command);
        } else {
            self.end(command);
        }
        Some((command, Answer::Replicas(fewest)))
    }

    /// Gives up all commands: no answer to a part will come.
    pub(super) fn abandon(&mut self) {
        for command in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.end(command);
        }
        self.parts.clear();
    }

    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.written.remove(&session);
        self.waiting.retain(|origin, _| origin.session != session);
        self.parts.retain(|_, command| command.session != session);
    }

    /// End a command that has not reached enough replicas: the next one waits for the same slots again.
    fn end(&mut self, command: Origin) {
        let Some(replication) = self.waiting.remove(&command) else { return };
        self.parts.retain(|_, of| *of != command);
        self.written.entry(command.session).or_default().extend(replication.slots);
    }
}
