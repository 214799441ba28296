//! What the backend tells unasked: keys that changed, and what others have committed.

use super::attribute::Want;
use super::attributes::Id;
use super::{Now, Session, Timer, check_name};
use crate::command::{Announcement, Changes, Commits};
use crate::ids::Revision;
use crate::replica::Followed;

/// What was announced is looked at once more after this long, in milliseconds.
const GLANCE_MS: u64 = 1_000;
/// Announcements that wait to be taken in; where more come, the document is read instead.
const MAX_TOLD: usize = 64;

impl Session {
    pub(super) fn fetch_changed(&mut self, keys: &[String], now: Now) {
        // Where commits and changes come on different lines, what changed may be told in a moment.
        let is_final = self.hears.1 != Changes::OfRead;
        for key in keys {
            let Some(id) = self.followed(key) else { continue };
            let attribute = &mut self.attributes[id];
            if std::mem::take(&mut attribute.announced) {
                // Most likely that was it. But somebody who announces nothing may have written at the same time.
                if !self.timers.values().any(|timer| *timer == Timer::Glance(id)) {
                    self.timers.add(now.monotonic_ms + GLANCE_MS, Timer::Glance(id));
                }
            } else {
                attribute.changed = is_final;
                attribute.ask(Want::Probe);
                self.attributes.activate(id);
            }
        }
    }

    /// The attribute of a key, if this session is to follow it.
    fn followed(&mut self, key: &str) -> Option<Id> {
        let name = key.strip_prefix(&self.config.prefix).filter(|name| check_name(name).is_ok())?;
        if self.config.names.is_some() { self.attributes.find(name) } else { Some(self.attribute(name)) }
    }

    /// What was committed together is taken in together, or found out by reading.
    pub(super) fn take_announcements(&mut self, told: Vec<Announcement>, now: Now) {
        self.last_told += 1;
        let mut waiting = Vec::new();
        for told in told {
            let Some(id) = self.followed(&told.key) else { continue };
            let (is_own, number) = (told.writer == self.config.writer, self.last_told);
            let is_said_again = self.hears.0 == Commits::Beside && self.hears.1 != Changes::Unheard;
            self.attributes.activate(id);
            let attribute = &mut self.attributes[id];
            attribute.announced = is_said_again;
            // Of its own commits, it tells where the server has put appends.
            if is_own && !attribute.replica.may_have_landed() {
                continue;
            }
            if !attribute.replica.is_loaded() {
                attribute.ask(Want::Probe);
            } else if attribute.told.len() == MAX_TOLD {
                self.forget_told(id);
                self.attributes[id].ask(Want::Tail);
            } else {
                attribute.told.push((told, number));
                waiting.push(id);
            }
        }
        if waiting.len() > 1 {
            self.told_together.insert(self.last_told, waiting.clone());
        }
        for id in waiting {
            self.follow(id, now);
        }
    }

    /// What waits for one attribute will be read instead; what it was told together with need not wait for it.
    pub(super) fn forget_told(&mut self, id: Id) {
        for (_, number) in std::mem::take(&mut self.attributes[id].told) {
            self.told_together.remove(number);
        }
    }

    /// Take in what others have told, once nothing of this session's is on its way.
    pub(super) fn follow(&mut self, id: Id, now: Now) {
        while let Some(number) = self.told_next(id) {
            let together = self.told_together.get(number).cloned().unwrap_or_else(|| vec![id]);
            if !together.iter().all(|id| self.told_next(*id) == Some(number)) {
                // They are looked at again when the others are.
                return;
            }
            self.told_together.remove(number);
            for one in &together {
                self.follow_one(*one, now);
                self.attributes.activate(*one);
            }
            // The others may have more by now.
            for other in together.into_iter().filter(|other| *other != id) {
                self.follow(other, now);
            }
        }
    }

    /// The number of what an attribute can take in next.
    fn told_next(&self, id: Id) -> Option<u64> {
        let attribute = &self.attributes[id];
        let (told, number) = attribute.told.first()?;
        (attribute.is_at_rest() || attribute.may_follow_behind(told, &self.config.writer)).then_some(*number)
    }

    /// There must be something that it can take in.
    fn follow_one(&mut self, id: Id, now: Now) {
        let (told, _) = self.attributes[id].told.remove(0);
        if !self.attributes[id].replica.has_heard(&told) {
            self.abort_strict(id, now);
        }
        let replica = &mut self.attributes[id].replica;
        let followed =
            if replica.can_follow_behind() { replica.follow_behind(&told) } else { replica.follow(&told, now) };
        match followed {
            Followed::With(rebased) => {
                self.report_rebased(id, rebased, now);
                let attribute = &mut self.attributes[id];
                let revision = attribute.replica.revision().unwrap_or(Revision(0));
                if let Some(found) = attribute.expected.take_if(|expected| expected.revision == revision) {
                    attribute.known_here = true;
                    attribute.fetched(found.ticket);
                    let more = attribute.replica.landed_revision();
                    self.expect(id, more, now);
                }
            }
            Followed::Old => {}
            Followed::Gap => {
                self.forget_told(id);
                self.attributes[id].ask(Want::Tail);
            }
        }
    }
}
