//! What the backend tells unasked: keys that changed, and what others have committed.

use super::attribute::Want;
use super::{Now, Session, check_name};
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
            let Some(name) = self.followed_name(key) else { continue };
            let attribute = self.attribute(&name);
            if std::mem::take(&mut attribute.announced) {
                // Most likely that was it. But somebody who announces nothing may have written at the same time.
                if !self.glances.iter().any(|(_, glance)| *glance == name) {
                    self.glances.insert((now.monotonic_ms + GLANCE_MS, name));
                }
            } else {
                attribute.changed = is_final;
                attribute.ask(Want::Probe);
                self.active.insert(name);
            }
        }
    }

    /// The attribute of a key, if this session is to follow it.
    fn followed_name(&self, key: &str) -> Option<String> {
        let name = key.strip_prefix(&self.config.prefix).filter(|name| check_name(name).is_ok())?;
        (self.config.names.is_none() || self.attributes.contains_key(name)).then(|| name.to_owned())
    }

    /// What was committed together is taken in together, or found out by reading.
    pub(super) fn take_announcements(&mut self, told: Vec<Announcement>, now: Now) {
        self.last_told += 1;
        let mut waiting = Vec::new();
        for told in told {
            let Some(name) = self.followed_name(&told.key) else { continue };
            let (is_own, number) = (told.writer == self.config.writer, self.last_told);
            let is_said_again = self.hears.0 == Commits::Beside && self.hears.1 != Changes::Unheard;
            self.active.insert(name.clone());
            let attribute = self.attribute(&name);
            attribute.announced = is_said_again;
            // Of its own commits, it tells where the server has put appends.
            if is_own && !attribute.replica.may_have_landed() {
                continue;
            }
            if !attribute.replica.is_loaded() {
                attribute.ask(Want::Probe);
            } else if attribute.told.len() == MAX_TOLD {
                self.forget_told(&name);
                self.attribute(&name).ask(Want::Tail);
            } else {
                attribute.told.push_back((told, number));
                waiting.push(name);
            }
        }
        if waiting.len() > 1 {
            self.told_together.insert(self.last_told, waiting.clone());
        }
        for name in waiting {
            self.follow(&name, now);
        }
    }

    /// What waits for one attribute will be read instead; what it was told together with need not wait for it.
    pub(super) fn forget_told(&mut self, name: &str) {
        for (_, number) in self.attribute(name).told.drain(..).collect::<Vec<_>>() {
            self.told_together.remove(number);
        }
    }

    /// Take in what others have told, once nothing of this session's is on its way.
    pub(super) fn follow(&mut self, name: &str, now: Now) {
        while let Some(number) = self.told_next(name) {
            let together = self.told_together.get(number).cloned().unwrap_or_else(|| vec![name.to_owned()]);
            if !together.iter().all(|name| self.told_next(name) == Some(number)) {
                // They are looked at again when the others are.
                return;
            }
            self.told_together.remove(number);
            for name in &together {
                self.follow_one(name, now);
                self.active.insert(name.clone());
            }
            // The others may have more by now.
            for other in together.iter().filter(|other| *other != name) {
                self.follow(other, now);
            }
        }
    }

    /// The number of what an attribute can take in next.
    fn told_next(&self, name: &str) -> Option<u64> {
        let attribute = self.attributes.get(name)?;
        let (told, number) = attribute.told.front()?;
        (attribute.is_at_rest() || attribute.may_follow_behind(told, &self.config.writer)).then_some(*number)
    }

    fn follow_one(&mut self, name: &str, now: Now) {
        let Some((told, _)) = self.attribute(name).told.pop_front() else { return };
        if !self.attribute(name).replica.has_heard(&told) {
            self.abort_strict(name, now);
        }
        let replica = &mut self.attribute(name).replica;
        let followed =
            if replica.can_follow_behind() { replica.follow_behind(&told) } else { replica.follow(&told, now) };
        match followed {
            Followed::With(rebased) => {
                self.report_rebased(name, rebased, now);
                let attribute = self.attribute(name);
                let revision = attribute.replica.revision().unwrap_or(Revision(0));
                if let Some(found) = attribute.expected.take_if(|expected| expected.revision == revision) {
                    attribute.known_here = true;
                    let more = attribute.replica.landed_revision();
                    self.refreshes.fetched(name, found.ticket);
                    self.expect(name, more, now);
                }
            }
            Followed::Old => {}
            Followed::Gap => {
                self.forget_told(name);
                self.attribute(name).ask(Want::Tail);
            }
        }
    }
}
