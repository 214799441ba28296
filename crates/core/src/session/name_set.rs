//! The set of names of a memory, as far as transactions that enumerate it can rely on it.

use crate::ids::RefreshId;
use crate::protocol::NamesLog;

/// The log of names as of which every attribute is known, and the logs as of which that is being found out.
#[derive(Debug, Default)]
pub(super) struct NameSet {
    known: Option<NamesLog>,
    /// The log that was read before the last listing began.
    listed: Option<PendingLog>,
    /// A later log. The attributes that it names in addition are being fetched.
    later: Option<PendingLog>,
}

/// A log as of which every attribute is known when a refresh is complete.
#[derive(Debug)]
struct PendingLog {
    log: NamesLog,
    refresh: RefreshId,
}

impl NameSet {
    /// The log as of which every attribute is known.
    pub(super) fn known(&self) -> Option<&NamesLog> {
        self.known.as_ref()
    }

    /// The newest log as of which the session has every attribute, loaded or not.
    pub(super) fn newest(&self) -> Option<&NamesLog> {
        let pending = self.listed.as_ref().or(self.later.as_ref());
        pending.map(|pending| &pending.log).or(self.known.as_ref())
    }

    /// The log was read before a listing begins, for all refreshes up to `refresh`.
    pub(super) fn set_listed(&mut self, log: NamesLog, refresh: RefreshId) {
        self.listed = Some(PendingLog { log, refresh });
    }

    /// The names could not be listed, or the log could not be read.
    pub(super) fn forget_listed(&mut self) {
        self.listed = None;
    }

    /// The log is a later one, and `refresh` is of all attributes that it names in addition.
    pub(super) fn set_later(&mut self, log: NamesLog, refresh: RefreshId) {
        self.later = Some(PendingLog { log, refresh });
    }

    /// This session has committed a group as of the known log `before`, which is `after` now.
    pub(super) fn advance(&mut self, before: &NamesLog, after: NamesLog) {
        if self.known.as_ref() == Some(before) {
            self.known = Some(after);
        }
    }

    /// A refresh is complete. `is_listed` tells whether it listed the names.
    pub(super) fn complete(&mut self, refresh: RefreshId, is_listed: bool) {
        if let Some(pending) = self.later.take_if(|pending| pending.refresh == refresh) {
            self.known = Some(pending.log);
        }
        if is_listed && let Some(pending) = self.listed.take_if(|pending| pending.refresh <= refresh) {
            self.known = Some(pending.log);
            self.later = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> NamesLog {
        NamesLog(text.into())
    }

    #[test]
    fn a_log_is_known_when_a_refresh_that_began_after_it_is_complete() {
        let mut names = NameSet::default();
        names.set_listed(log("1"), RefreshId(2));
        names.complete(RefreshId(1), true);
        names.complete(RefreshId(2), false);
        assert_eq!(names.known(), None);
        names.complete(RefreshId(2), true);
        assert_eq!(names.known(), Some(&log("1")));
        names.set_later(log("2"), RefreshId(4));
        names.complete(RefreshId(3), false);
        assert_eq!(names.known(), Some(&log("1")));
        names.complete(RefreshId(4), false);
        assert_eq!(names.known(), Some(&log("2")));
    }

    #[test]
    fn own_groups_lead_on_from_the_log_that_they_checked() {
        let mut names = NameSet::default();
        names.advance(&log("1"), log("2"));
        assert_eq!(names.known(), None);
        names.set_later(log("1"), RefreshId(1));
        names.complete(RefreshId(1), false);
        names.advance(&log("0"), log("3"));
        assert_eq!(names.known(), Some(&log("1")));
        names.advance(&log("1"), log("2"));
        assert_eq!(names.known(), Some(&log("2")));
    }
}
