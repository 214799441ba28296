//! A commit whose mutations and sequence belong together for good.

use super::open_commit::OpenCommit;
use crate::byte_len::ByteLen;
use crate::document::Layout;
use crate::ids::{GroupId, MutationNumber, Revision};
use crate::protocol::{Commit, ContentionTerms, ReservationRequest};
use crate::replica::applied_mutation::AppliedMutation;
use crate::splice::Plan;
use crate::time::Now;
use std::sync::Arc;

/// A commit that has a sequence: it has been sent, or is the next to be sent. The server may have applied it while its reply
/// was lost, so it is sent again under the same sequence, with the same mutations, which are
/// transformed if the document has changed.
#[derive(Debug)]
pub(in crate::replica) struct SealedCommit {
    /// The number of the first mutation that was added to the commit.
    pub(in crate::replica) first: MutationNumber,
    /// The number of the last mutation that was added.
    pub(in crate::replica) last: MutationNumber,
    pub(in crate::replica) mutations: Vec<AppliedMutation>,
    /// The group that the mutations belong to.
    pub(in crate::replica) group: Option<GroupId>,
    /// The command to send.
    pub(in crate::replica) command: Arc<Commit>,
    /// The layout of what is stored once the commit has been applied.
    pub(in crate::replica) layout: Layout,
    pub(in crate::replica) delivery: Delivery,
    pub(in crate::replica) form: Form,
    /// Whether the reply to any command with this sequence was lost: the server may have applied that one, or a copy of it
    /// may still arrive there.
    pub(in crate::replica) has_lost_reply: bool,
    /// About the memory that the mutations take, with what is kept to undo them.
    mutations_size: ByteLen,
    appended: Option<usize>,
}

/// How far a sealed commit has come.
#[derive(Clone, Copy, Debug)]
pub(in crate::replica) enum Delivery {
    /// Not sent, or the server has said that it did not apply it.
    Unsent,
    /// Sent on the present connection; the reply is outstanding.
    InFlight { first_sent: Now },
    /// Sent, and the reply was lost: the server may have applied it.
    ReplyLost { first_sent: Now },
}

/// How the command of a sealed commit relates to earlier commands with the same sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::replica) enum Form {
    /// There were none.
    Original,
    /// The mutations were planned anew on the document on which they were made, by a process that restored them from a journal.
    /// The server may have applied an earlier command, or a later one that was planned on another document.
    Restored,
    /// The mutations were planned anew on another document. The server had refused all earlier commands.
    Rebuilt,
    /// The mutations were planned anew on another document, while the server might have applied an earlier command: if it
    /// applied one, it is unknown which.
    RebuiltUnanswered,
}

impl Delivery {
    /// When the commit was first sent, while the server may have applied it.
    pub(in crate::replica) fn first_sent(self) -> Option<Now> {
        match self {
            Self::Unsent => None,
            Self::InFlight { first_sent } | Self::ReplyLost { first_sent } => Some(first_sent),
        }
    }

    pub(in crate::replica) fn is_in_flight(self) -> bool {
        matches!(self, Self::InFlight { .. })
    }

    /// Whether the server may have applied the commit.
    pub(in crate::replica) fn is_unanswered(self) -> bool {
        !matches!(self, Self::Unsent)
    }

    /// The delivery of the same commit once its reply cannot arrive any more.
    pub(in crate::replica) fn without_reply(self) -> Self {
        self.first_sent().map_or(Self::Unsent, |first_sent| Self::ReplyLost { first_sent })
    }
}

impl SealedCommit {
    /// A commit that has not been sent. `layout` is that of what is stored after it.
    pub(in crate::replica) fn new(open: OpenCommit, command: Commit, layout: Layout) -> Self {
        let (mutations_size, appended) = (open.size(), open.appended_count());
        let OpenCommit { first, last, mutations, group, .. } = open;
        let (delivery, form) = (Delivery::Unsent, Form::Original);
        let command = Arc::new(command);
        Self {
            first,
            last,
            mutations,
            group,
            command,
            layout,
            delivery,
            form,
            has_lost_reply: false,
            mutations_size,
            appended,
        }
    }

    /// About the memory that the commit takes.
    pub(in crate::replica) fn size(&self) -> ByteLen {
        self.mutations_size + self.command.plan.command_len()
    }

    /// Send the commit. Returns the command.
    pub(in crate::replica) fn send(&mut self, now: Now, mut terms: ContentionTerms) -> Arc<Commit> {
        if self.is_append() && matches!(terms.reservation, ReservationRequest::IfReserved(_)) {
            // An append needs no turn of its own: it loses no races.
            terms.reservation = ReservationRequest::None;
        }
        if self.command.terms != terms {
            Arc::make_mut(&mut self.command).terms = terms;
        }
        self.delivery = Delivery::InFlight { first_sent: self.delivery.first_sent().unwrap_or(now) };
        Arc::clone(&self.command)
    }

    /// The commit was planned anew; `delivery` is how far it had come before.
    pub(in crate::replica) fn note_rebuilt(&mut self, delivery: Delivery, has_lost_reply: bool) {
        self.form = if delivery.is_unanswered() { Form::RebuiltUnanswered } else { Form::Rebuilt };
        self.delivery = delivery.without_reply();
        self.has_lost_reply = has_lost_reply || delivery.is_unanswered();
    }

    /// The reply cannot arrive any more, if it is outstanding.
    pub(in crate::replica) fn lose_reply(&mut self) {
        self.has_lost_reply |= self.delivery.is_in_flight();
        self.delivery = self.delivery.without_reply();
    }

    /// The server has said that it did not execute the command this time.
    pub(in crate::replica) fn note_refusal(&mut self) {
        self.delivery = if self.has_lost_reply { self.delivery.without_reply() } else { Delivery::Unsent };
    }

    /// The server has not applied the commit. It may still apply a copy that is on its way if that is an append, and no dedup key
    /// was required of it.
    pub(in crate::replica) fn mark_not_applied(&mut self, needed_no_dedup_key: bool) {
        self.delivery = Delivery::Unsent;
        self.has_lost_reply &= needed_no_dedup_key && self.group.is_none() && self.appended.is_some();
    }

    /// Make the server refuse the commit where it has no dedup key of this writer.
    pub(in crate::replica) fn require_dedup_key(&mut self) {
        let command = Arc::make_mut(&mut self.command);
        (command.after, command.needs_dedup_key) = (None, true);
    }

    /// The document's revision after the commit; None where the commit deletes it.
    pub(in crate::replica) fn resulting_revision(&self) -> Option<Revision> {
        (self.layout != Layout::Absent).then_some(self.command.revision)
    }

    /// Whether the plan is an append, which fits whatever list is stored.
    pub(in crate::replica) fn is_append(&self) -> bool {
        matches!(self.command.plan, Plan::Append(_))
    }

    /// The number of elements that the commit appends to the list that is the whole value. None where it does anything
    /// else.
    pub(in crate::replica) fn appended_count(&self) -> Option<usize> {
        self.appended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::test_support::{at, loaded, mutate, send};

    fn delivery_after(step: impl FnOnce(&mut SealedCommit)) -> (Option<Now>, bool, Form) {
        let mut replica = loaded("{\"value\":[1],\"last_modified\":5}");
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 1);
        let commit = &mut replica.pending.sealed_mut()[0];
        step(commit);
        (commit.delivery.first_sent(), commit.delivery.is_in_flight(), commit.form)
    }

    #[test]
    fn a_commit_that_is_sent_again_keeps_the_time_of_the_first_sending() {
        let (first_sent, is_in_flight, form) = delivery_after(|commit| {
            commit.lose_reply();
            assert!(commit.has_lost_reply);
            assert!(commit.delivery.is_unanswered() && !commit.delivery.is_in_flight());
            commit.send(at(60), ContentionTerms::default());
        });
        assert_eq!(first_sent.map(|now| now.monotonic), Some(at(1).monotonic));
        assert_eq!((is_in_flight, form), (true, Form::Original));
    }

    #[test]
    fn a_rebuilt_commit_knows_whether_an_earlier_form_may_be_applied() {
        let (first_sent, is_in_flight, form) = delivery_after(|commit| commit.note_rebuilt(commit.delivery, false));
        assert_eq!((first_sent.is_some(), is_in_flight, form), (true, false, Form::RebuiltUnanswered));
        let (first_sent, is_in_flight, form) = delivery_after(|commit| commit.note_rebuilt(Delivery::Unsent, false));
        assert_eq!((first_sent.is_some(), is_in_flight, form), (false, false, Form::Rebuilt));
    }
}
