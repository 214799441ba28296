//! What a session tells its host.

use super::attribute::Attribute;
use super::attributes::Id;
use super::{Event, Now, Session};
use crate::document::Node;
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;
use crate::replica::{Change, Rebased};

impl Session {
    pub(super) fn report_rebased(&mut self, id: Id, rebased: Rebased, now: Now) {
        self.forget_commits(id);
        if let Some((from, to)) = rebased.regression {
            self.events.push_back(Event::Regressed { name: self.attributes[id].name.clone(), from, to });
        }
        for (mutation, error) in rebased.conflicts {
            self.events.push_back(Event::Conflict { name: self.attributes[id].name.clone(), mutation, error });
        }
        self.report_sums(id);
        if let Some(change) = rebased.change {
            self.report_change(id, change);
        }
        for group in self.attributes[id].replica.take_broken_groups() {
            let error = SyncError::new(ErrorCode::Conflict, "another mutation of the same batch could not be kept");
            self.abort_group(group, error, now);
        }
    }

    pub(super) fn report_change(&mut self, id: Id, change: Change) {
        let (name, revision, bytes) = self.described(id);
        self.events.push_back(Event::Changed { name, change, revision, bytes });
    }

    pub(super) fn report_acknowledged(&mut self, id: Id) {
        let (name, revision, bytes) = self.described(id);
        self.events.push_back(Event::Acknowledged { name, revision, bytes });
        self.report_sums(id);
    }

    fn described(&self, id: Id) -> (String, Option<Revision>, usize) {
        let Attribute { name, replica, .. } = &self.attributes[id];
        (name.clone(), replica.revision(), replica.value().map_or(0, Node::text_len))
    }

    pub(super) fn report_rejected(&mut self, id: Id, error: SyncError, first: u64) {
        self.events.push_back(Event::Rejected { name: self.attributes[id].name.clone(), error, first });
    }

    pub(super) fn report_sums(&mut self, id: Id) {
        let sums = self.attributes[id].replica.take_sums();
        self.events.extend(sums.into_iter().map(|(number, sum)| Event::Incremented { number, sum }));
    }

    pub(super) fn report_refreshed(&mut self) {
        for ticket in self.refreshes.take_done(&self.attributes) {
            if self.catch_up == Some(ticket) {
                self.catch_up = None;
                self.events.push_back(Event::Connected);
                self.report_ready();
            }
            self.events.push_back(Event::Refreshed(ticket));
        }
    }

    pub(super) fn report_ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            self.events.push_back(Event::Ready);
        }
    }

    pub(super) fn report_settled(&mut self) {
        let settled = self.attributes.first_pending().map_or(self.last_mutation, |oldest| oldest - 1);
        if settled > self.settled {
            self.settled = settled;
            self.events.push_back(Event::Settled(settled));
        }
    }
}
