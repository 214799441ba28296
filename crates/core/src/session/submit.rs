//! Mutations of the host.

use super::attribute_table::check_name;
use super::ids::AttributeId;
use super::{BatchEntry, FetchKind, Session};
use crate::byte_len::ByteLen;
use crate::error::SyncError;
use crate::ids::{GroupId, MutationNumber};
use crate::journal::JournalledGroup;
use crate::mutation::Mutation;
use crate::time::Now;

impl Session {
    /// Makes one mutation, which goes out with the next commit of its attribute. Mutations are numbered from 1, those of
    /// groups, too. Returns the length of the optimistic document. Errors: `ReservedName`, and those of the
    /// mutation.
    pub fn mutate(&mut self, name: &str, mutation: Mutation) -> Result<ByteLen, SyncError> {
        check_name(name)?;
        let id = self.attributes.find_or_add(name);
        self.mutate_attribute(id, mutation, None)
    }

    /// Applies one entry of a batch, for a host that has applied it to its own copies already. Where the mutation of an
    /// entry cannot be made, [`Event::Rejected`](super::Event::Rejected) says so and
    /// [`Event::Changed`](super::Event::Changed) brings the value back; until the host has
    /// [confirmed](Self::confirm_events) them, further entries of the attribute are rejected, too. Errors: `ReservedName`,
    /// and those of [`mutate_group`](Self::mutate_group).
    pub fn submit(&mut self, entry: BatchEntry, now: Now) -> Result<(), SyncError> {
        match entry {
            BatchEntry::Group(group) => self.mutate_group(group, now).map(drop),
            BatchEntry::Mutation(name, mutation) => {
                check_name(&name)?;
                let id = self.attributes.find_or_add(&name);
                if let Err(error) = self.mutate_attribute(id, mutation, None) {
                    self.reject_entry(id, error);
                }
                Ok(())
            }
        }
    }

    pub(super) fn mutate_attribute(
        &mut self,
        id: AttributeId,
        mutation: Mutation,
        group: Option<JournalledGroup>,
    ) -> Result<ByteLen, SyncError> {
        if let Some(error) = self.attributes.divergence(id) {
            return Err(error.clone());
        }
        let number = self.issued.last_mutation().next();
        let is_loaded = self.attributes[id].replica.is_loaded();
        // The document is assumed to be absent, not loaded first: if there is one, the stale answer leads to it. Not for a
        // group, which would have to start over.
        let assumes_absent =
            !is_loaded && self.connection.is_connected() && !self.refreshes.is_catching_up() && group.is_none();
        if assumes_absent {
            // The journal is to have what the commit is built on.
            self.attributes[id].replica.assume_absent();
        }
        let made = self.journal_and_mutate(id, number, mutation, group);
        let attribute = &mut self.attributes[id];
        match made {
            Err(_) if assumes_absent => attribute.replica.forget_confirmed(),
            Ok(_) if !is_loaded && !assumes_absent => attribute.fetch.request(FetchKind::Load),
            _ => {}
        }
        let len = made?;
        self.issued.set_last_mutation(number);
        self.attributes.activate(id);
        self.attributes.add_pending(id, number);
        Ok(len)
    }

    /// Writes a mutation to the journal, and makes it. Does neither where it cannot be made.
    fn journal_and_mutate(
        &mut self,
        id: AttributeId,
        number: MutationNumber,
        mutation: Mutation,
        group: Option<JournalledGroup>,
    ) -> Result<ByteLen, SyncError> {
        let journalled = self.journal_mutation(id, number, &mutation, group)?;
        let group = group.map(|group| GroupId(group.id));
        let max_len = self.config.max_document_bytes;
        let made = self.attributes[id].replica.mutate(number, mutation, max_len, group);
        if made.is_err() {
            self.withdraw_journalled(journalled);
        }
        made
    }

    /// The host has made a mutation that this session cannot make: gives it the value back.
    fn reject_entry(&mut self, id: AttributeId, error: SyncError) {
        let number = self.issued.last_mutation().next();
        self.issued.set_last_mutation(number);
        if self.attributes.set_diverged(id, error.clone()) {
            self.report_rejected(id, error, number);
            self.report_change(id, self.attributes[id].replica.whole_change());
        }
        self.report_settled();
    }
}
