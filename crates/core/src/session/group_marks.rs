//! Group marks: by them a session knows whether what it has read one by one belongs to one moment.
//!
//! A server stores the identity of the last group that changed several documents under a side key, the group mark. The
//! documents that share a mark are its domain: all of a memory, or those with one hash tag on a cluster. If the mark is the
//! same before and after documents were read, no group was committed meanwhile, and none of them shows half of one.

use super::Session;
use super::ids::{AttributeId, MarkDomainId};
use super::request_table::Purpose;
use super::timers::Timer;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Guard, Stored};
use crate::ids::RefreshId;
use crate::protocol::{Answer, Command, RequestId};
use crate::time::{Instant, Now};
use std::collections::BTreeSet;

/// The longest group mark that is read.
const MAX_MARK_LEN: ByteLen = ByteLen(512);

/// The time for which an absent mark is known, in milliseconds: an hour less than the lifetime of a mark.
const MAX_ABSENCE_MS: u64 = 23 * 60 * 60 * 1000;

/// The attempt whose delay is the one before a mark is read again.
const RETRY_ATTEMPT: u32 = 3;

/// The reads of the documents that share a group mark.
#[derive(Debug, Default)]
pub(super) struct MarkDomain {
    /// The key of the mark.
    pub(super) key: String,
    /// The number of attributes.
    pub(super) size: usize,
    /// The mark as of which no document shows half of a group; None where it is unknown.
    pub(super) known: Option<KnownMark>,
    /// The last read of the mark, while it is in flight.
    read: Option<RequestId>,
    is_read_due: bool,
    /// Whether it is among the active ones: see `AttributeTable`.
    pub(super) is_active: bool,
    /// The attributes that have a held read.
    pub(super) holders: BTreeSet<AttributeId>,
    pub(super) joint_read: JointReadState,
    /// The earliest time of the next joint read.
    pub(super) earliest: Instant,
    /// Whether the server refuses marks or joint reads on this connection: what is read is shown at once.
    pub(super) is_refused: bool,
}

/// A group mark that was read.
#[derive(Debug)]
pub(super) struct KnownMark {
    pub(super) mark: Stored,
    /// The request that has read it. Documents that were read before it may be older.
    pub(super) since: RequestId,
    /// The time of the answer.
    pub(super) at: Now,
}

impl KnownMark {
    /// Whether a mark that is read now is the same, and was all the time. A mark that is absent may have been set and have expired
    /// since.
    fn is_still(&self, mark: &Stored, now: Now) -> bool {
        self.mark == *mark && (*mark != Stored::Absent || now.ms_since(self.at) < MAX_ABSENCE_MS)
    }

    /// The guard that is stale where the mark is another one.
    pub(super) fn guard(&self) -> Guard {
        match &self.mark {
            Stored::Absent => Guard::Absent,
            Stored::Text(bytes) => {
                Guard::Text { len: ByteLen(bytes.len()), at: ByteOffset::START, tail: bytes.clone() }
            }
            Stored::OtherType | Stored::TooLong { .. } => Guard::OtherType,
        }
    }
}

/// The progress of a joint read.
#[derive(Debug, Default)]
pub(super) enum JointReadState {
    #[default]
    None,
    /// It is sent when its time has come.
    Delayed,
    /// It is sent when nothing that it would repeat is in flight.
    Due,
    InFlight(JointRead),
}

/// A joint read in flight.
#[derive(Debug)]
pub(super) struct JointRead {
    pub(super) request: RequestId,
    /// The attributes in the order of the answer, each with the request of the held read that it was compared with.
    pub(super) attributes: Vec<(AttributeId, Option<RequestId>)>,
    /// Whether the log of names is compared, too.
    pub(super) has_names: bool,
    /// The attributes of which a copy of a commit may arrive late: what is read may include it. The last sequence that was
    /// applied is read afterwards.
    pub(super) checked: Vec<AttributeId>,
    /// The number of these reads in flight.
    pub(super) checks_in_flight: usize,
    /// Whether such a copy has been applied.
    pub(super) has_late_commits: bool,
    pub(super) answer: Option<JointAnswer>,
}

/// The answer to a joint read.
#[derive(Debug)]
pub(super) struct JointAnswer {
    pub(super) results: Vec<Option<Stored>>,
    /// The newest refresh that it serves.
    pub(super) refresh: RefreshId,
}

impl MarkDomain {
    pub(super) fn new(key: String) -> Self {
        Self { key, is_read_due: true, ..Self::default() }
    }

    /// The mark has to be read, after what was read by `request`, unless that is on its way.
    pub(super) fn require_read_after(&mut self, request: RequestId) {
        self.is_read_due |= self.read.is_none_or(|read| read < request);
    }

    /// The mark has to be read after the commands that are made now.
    pub(super) fn require_read(&mut self) {
        self.is_read_due = true;
    }

    /// Whether something is to be sent about it.
    pub(super) fn is_due(&self) -> bool {
        self.is_read_due || matches!(self.joint_read, JointReadState::Due)
    }

    pub(super) fn is_joint_read_in_flight(&self) -> bool {
        matches!(self.joint_read, JointReadState::InFlight(_))
    }

    /// The attributes of the joint read in flight.
    pub(super) fn read_jointly(&self) -> impl Iterator<Item = AttributeId> {
        let joint_read =
            if let JointReadState::InFlight(joint_read) = &self.joint_read { Some(joint_read) } else { None };
        joint_read.into_iter().flat_map(|joint_read| &joint_read.attributes).map(|(attribute, _)| *attribute)
    }

    fn begin_connection(&mut self) {
        self.is_refused = false;
        self.is_read_due = self.known.is_none();
    }

    fn end_connection(&mut self) {
        self.read = None;
        self.is_read_due = false;
        self.holders.clear();
        self.joint_read = JointReadState::None;
        self.earliest = Instant::default();
    }
}

impl Session {
    /// A connection has begun.
    pub(super) fn begin_marks(&mut self) {
        self.attributes.change_domains(MarkDomain::begin_connection);
    }

    /// The connection is over, and what was held with it.
    pub(super) fn end_marks(&mut self) {
        self.attributes.change_domains(MarkDomain::end_connection);
    }

    /// The domain whose mark says whether a read of this attribute may be shown. None where no other attribute can show the
    /// other half of a group, and where the server refuses to say.
    pub(super) fn mark_domain(&self, id: AttributeId) -> Option<MarkDomainId> {
        let domain_id = self.attributes[id].domain?;
        let domain = self.attributes.domain(domain_id);
        let may_have_others = domain.size > 1 || (self.config.names.is_none() && self.config.notes_names);
        (may_have_others && !domain.is_refused).then_some(domain_id)
    }

    /// Reads the marks that are due.
    pub(super) fn send_mark_reads(&mut self, now: Now) {
        for id in self.attributes.active_domains() {
            let domain = self.attributes.domain_mut(id);
            let may_have_others = domain.size > 1 || (self.config.names.is_none() && self.config.notes_names);
            if std::mem::take(&mut domain.is_read_due) && may_have_others && !domain.is_refused {
                let key = domain.key.clone();
                let command = Command::Load { key, max_len: MAX_MARK_LEN };
                let request = self.send(Purpose::ReadGroupMark(id), command, ByteLen(0), now);
                self.attributes.domain_mut(id).read = Some(request);
            }
        }
    }

    pub(super) fn handle_mark(&mut self, id: MarkDomainId, request: RequestId, answer: Answer, now: Now) {
        let domain = self.attributes.domain_mut(id);
        domain.read.take_if(|read| *read == request);
        let mark = match answer {
            Answer::Loaded(mark) => mark,
            Answer::Busy(_) | Answer::ReplyLost(_) => {
                self.timers.add_retry(Timer::RetryMark(id), RETRY_ATTEMPT, now);
                return;
            }
            _ => return self.refuse_joint_reads(id, now),
        };
        if domain.known.is_none() && domain.holders.is_empty() && !self.shows_any(id) {
            // Nothing is shown yet: what is read from now on is compared with this.
            self.attributes.domain_mut(id).known = Some(KnownMark { mark, since: request, at: now });
            return;
        }
        let attributes = &self.attributes;
        let domain = attributes.domain(id);
        let is_covered =
            |holder: &AttributeId| attributes[*holder].held.as_ref().is_some_and(|held| held.request < request);
        let covered: Vec<AttributeId> = domain.holders.iter().copied().filter(is_covered).collect();
        if covered.is_empty() || domain.is_joint_read_in_flight() {
            return;
        }
        let is_known = |known: &KnownMark| {
            known.is_still(&mark, now) && covered.iter().all(|id| attributes[*id].is_held_since(known))
        };
        if domain.known.as_ref().is_some_and(is_known) {
            self.show_held(&covered, now);
        } else {
            self.request_joint_read(id, now);
        }
    }

    /// Whether a document of the domain may be shown.
    fn shows_any(&self, id: MarkDomainId) -> bool {
        self.attributes.of_domain(id).any(|attribute| {
            let replica = &self.attributes[attribute].replica;
            replica.is_loaded() || replica.revision().is_some()
        })
    }
}
