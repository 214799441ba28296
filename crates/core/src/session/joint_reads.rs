//! Joint reads: one script compares all documents of a domain with what is known of them, at one moment, and brings those that
//! differ. They are shown together.

use super::Session;
use super::answers::names_log;
use super::fetch_state::FetchKind;
use super::group_marks::{JointAnswer, JointRead, JointReadState, KnownMark};
use super::held_reads::{HeldRead, ReadContent};
use super::ids::{AttributeId, MarkDomainId};
use super::request_table::Purpose;
use super::timers::Timer;
use crate::byte_len::ByteLen;
use crate::document::{self, Content, Guard, Stored};
use crate::ids::RefreshId;
use crate::protocol::{Answer, Command, NamesLog, RequestId, names_key};
use crate::time::Now;

/// The number of attributes that may be compared in a millisecond, on average. A server needs some microseconds for each.
const ATTRIBUTES_PER_MS: usize = 10;

/// The attempt whose delay is the one before a joint read is sent again.
const RETRY_ATTEMPT: u32 = 3;

/// Sending a joint read.
impl Session {
    /// Documents of this domain may be of different moments: all of them are read together.
    pub(super) fn request_joint_read(&mut self, id: MarkDomainId, now: Now) {
        let domain = self.attributes.domain_mut(id);
        if !matches!(domain.joint_read, JointReadState::None) {
            return;
        }
        if domain.earliest > now.monotonic {
            domain.joint_read = JointReadState::Delayed;
            self.timers.add(domain.earliest, Timer::JointRead(id));
        } else {
            domain.joint_read = JointReadState::Due;
        }
    }

    /// The wait before a joint read is over.
    pub(super) fn end_joint_read_wait(&mut self, id: MarkDomainId) {
        let state = &mut self.attributes.domain_mut(id).joint_read;
        if matches!(state, JointReadState::Delayed) {
            *state = JointReadState::Due;
        }
    }

    /// Sends the joint reads that are due and can go.
    pub(super) fn send_joint_reads(&mut self, now: Now) {
        for id in self.attributes.active_domains() {
            let is_due = matches!(self.attributes.domain(id).joint_read, JointReadState::Due);
            if is_due && self.can_read_jointly(id) {
                self.send_joint_read(id, now);
            }
        }
    }

    /// Whether nothing is in flight that the answer could not be placed on, or that it would bring a second time.
    fn can_read_jointly(&self, id: MarkDomainId) -> bool {
        let is_catching_up = self.refreshes.is_catching_up();
        let is_listing = self.refreshes.listing.is_due() || self.requests.contains(&Purpose::ListNames);
        !is_listing
            && !self.attributes.of_domain(id).any(|attribute| {
                let attribute = &self.attributes[attribute];
                let fetch = &attribute.fetch;
                let is_fetching = fetch.in_flight() >= Some(FetchKind::Tail);
                let is_probing = fetch.in_flight().is_some() || fetch.requested().is_some();
                let is_held = attribute.held.is_some();
                let is_unsettled = attribute.replica.must_resend() && !attribute.is_given_up();
                is_fetching || is_unsettled || (is_catching_up && is_probing && !is_held)
            })
    }

    fn send_joint_read(&mut self, id: MarkDomainId, now: Now) {
        let max_len = self.config.max_document_bytes;
        let (mut attributes, mut checks) = (Vec::new(), Vec::new());
        for attribute_id in self.attributes.of_domain(id) {
            let attribute = &self.attributes[attribute_id];
            let held = attribute.held.as_ref().and_then(|held| held.content.stored());
            let guard = match held {
                Some(stored) => Some(guard_of(stored, max_len)),
                None => attribute.replica.confirmed_guard(),
            };
            let held_request = attribute.held.as_ref().filter(|_| held.is_some()).map(|held| held.request);
            attributes.push((attribute_id, held_request));
            // Where nothing is known, the guard matches no document, so that the answer brings it.
            checks.push((attribute.replica.key().to_owned(), guard.unwrap_or(Guard::OtherType)));
        }
        let domain = self.attributes.domain(id);
        let mark_guard = domain.known.as_ref().map_or(Guard::OtherType, KnownMark::guard);
        checks.push((domain.key.clone(), mark_guard));
        let log = self.name_set.newest().filter(|_| self.config.names.is_none() && self.config.notes_names);
        let has_names = log.is_some();
        checks.extend(log.map(|log| (names_key(&self.config.prefix), log.guard())));
        let request = self.send(Purpose::ReadJointly(id), Command::Compare { checks }, ByteLen(0), now);
        let attribute_ids = attributes.iter().map(|(attribute, _)| *attribute);
        let checked: Vec<AttributeId> =
            attribute_ids.filter(|attribute| self.attributes[*attribute].replica.has_lost_reply()).collect();
        for &attribute in &checked {
            let (key, writer) = (self.attributes[attribute].replica.key().to_owned(), self.config.writer.clone());
            let command = Command::LastSequence { key, writer };
            self.send(Purpose::CheckLateCommit(id, attribute), command, ByteLen(0), now);
        }
        let checks_in_flight = checked.len();
        let joint_read = JointRead {
            request,
            attributes,
            has_names,
            checked,
            checks_in_flight,
            has_late_commits: false,
            answer: None,
        };
        self.attributes.domain_mut(id).joint_read = JointReadState::InFlight(joint_read);
    }
}

/// The answer to a joint read.
impl Session {
    pub(super) fn handle_joint_read(&mut self, id: MarkDomainId, answer: Answer, refresh: RefreshId, now: Now) {
        let results = match answer {
            Answer::Compared(results) => results,
            Answer::Busy(_) | Answer::ReplyLost(_) => {
                self.requests.discard(|purpose| matches!(purpose, Purpose::CheckLateCommit(of, _) if *of == id));
                self.attributes.domain_mut(id).joint_read = JointReadState::Delayed;
                self.timers.add_retry(Timer::JointRead(id), RETRY_ATTEMPT, now);
                self.activate_domain(id);
                return;
            }
            _ => return self.refuse_joint_reads(id, now),
        };
        if let JointReadState::InFlight(joint_read) = &mut self.attributes.domain_mut(id).joint_read {
            joint_read.answer = Some(JointAnswer { results, refresh });
        }
        self.end_joint_read(id, now);
    }

    /// The last sequence that was applied shows whether a late copy of the first pending commit was. Then the commit is
    /// acknowledged, and the documents have to be read again: nothing tells whether what was read includes it.
    pub(super) fn handle_late_commit_check(
        &mut self,
        domain: MarkDomainId,
        id: AttributeId,
        answer: &Answer,
        now: Now,
    ) {
        let is_unknown = matches!(answer, Answer::Busy(_) | Answer::ReplyLost(_));
        let is_applied = self.acknowledge_late_commit(id, answer, now);
        if let JointReadState::InFlight(joint_read) = &mut self.attributes.domain_mut(domain).joint_read {
            joint_read.checks_in_flight -= 1;
            joint_read.has_late_commits |= is_applied || is_unknown;
        }
        self.end_joint_read(domain, now);
    }

    /// Shows what a joint read has brought, once it is known which commits that includes.
    fn end_joint_read(&mut self, id: MarkDomainId, now: Now) {
        let state = &mut self.attributes.domain_mut(id).joint_read;
        if !matches!(state, JointReadState::InFlight(JointRead { checks_in_flight: 0, answer: Some(_), .. })) {
            return;
        }
        let JointReadState::InFlight(mut joint_read) = std::mem::take(state) else { return };
        let Some(JointAnswer { results, refresh }) = joint_read.answer.take() else { return };
        let is_shown = !joint_read.has_late_commits && self.show_jointly(id, &joint_read, results, refresh, now);
        let domain = self.attributes.domain_mut(id);
        let ms = joint_read.attributes.len() / ATTRIBUTES_PER_MS;
        domain.earliest = now.monotonic.plus_ms(ms as u64);
        if !is_shown {
            self.request_joint_read(id, now);
        }
        self.activate_domain(id);
    }

    /// Returns false where the read has to be repeated.
    fn show_jointly(
        &mut self,
        id: MarkDomainId,
        JointRead { request, attributes, has_names, checked, .. }: &JointRead,
        results: Vec<Option<Stored>>,
        refresh: RefreshId,
        now: Now,
    ) -> bool {
        let mut stored = results.into_iter();
        let documents: Vec<Option<Stored>> = attributes.iter().map(|_| stored.next().flatten()).collect();
        let mark = stored.next().flatten();
        let log = stored.next().flatten().filter(|_| *has_names);
        if log.is_some_and(|log| self.add_names(&names_log(log)))
            || self.is_unplaceable(attributes, checked, &documents)
        {
            return false;
        }
        if self.load_long(attributes, &documents) {
            // The others need not be brought again.
            for (&(attribute, _), document) in attributes.iter().zip(documents) {
                if let Some(document) = document.filter(|document| !matches!(document, Stored::TooLong { .. })) {
                    self.replace_held(attribute, document, *request, refresh);
                }
            }
            return false;
        }
        let known = &mut self.attributes.domain_mut(id).known;
        let mark = mark.or_else(|| known.take().map(|known| known.mark)).unwrap_or(Stored::OtherType);
        *known = Some(KnownMark { mark, since: *request, at: now });
        for (&(attribute, held_request), document) in attributes.iter().zip(documents) {
            let held = self.take_held(attribute);
            let is_known = self.attributes[attribute].replica.is_loaded();
            match (document, held) {
                (Some(document), held) => {
                    let content = held.map(|held| held.content);
                    let content = content.unwrap_or(ReadContent::Loaded(Stored::Absent)).with(document);
                    self.show(attribute, content, refresh, now);
                    self.attributes[attribute].freshness.serve(refresh);
                }
                (None, Some(held)) if held_request == Some(held.request) => {
                    self.show(attribute, held.content, refresh, now);
                    self.attributes[attribute].freshness.serve(refresh);
                }
                // A held tail is the end of the known document. A held document has come since, and is older.
                (None, _) if is_known => {
                    let freshness = &mut self.attributes[attribute].freshness;
                    freshness.set_read();
                    freshness.serve(refresh);
                }
                (None, _) => self.show(attribute, ReadContent::Loaded(Stored::OtherType), refresh, now),
            }
        }
        for (attribute, _) in attributes {
            self.apply_deltas(*attribute, now);
        }
        true
    }

    /// The log of names is another one: adds the attributes that are new. Returns false where there are none.
    fn add_names(&mut self, log: &NamesLog) -> bool {
        let Some(keys) = self.name_set.newest().and_then(|known| log.keys_since(known)) else {
            // Nothing tells which names are new.
            self.refreshes.listing.start();
            return true;
        };
        let before = self.attributes.len();
        for key in keys {
            self.attributes.of_key(&key);
        }
        self.attributes.len() > before
    }

    /// Whether a document differs that may include commits whose outcomes are unknown: nothing may be placed below them.
    fn is_unplaceable(
        &self,
        attributes: &[(AttributeId, Option<RequestId>)],
        checked: &[AttributeId],
        documents: &[Option<Stored>],
    ) -> bool {
        attributes.iter().zip(documents).any(|(&(id, held), document)| {
            let attribute = &self.attributes[id];
            let may_include_late = attribute.replica.has_lost_reply() && !checked.contains(&id);
            let is_unknown = attribute.replica.has_unanswered() || may_include_late;
            (document.is_some() || held.is_some()) && is_unknown && !attribute.is_given_up()
        })
    }

    /// Requests the documents that are too long for the answer, but not for this session. Returns false where there are none.
    fn load_long(&mut self, attributes: &[(AttributeId, Option<RequestId>)], documents: &[Option<Stored>]) -> bool {
        let max_len = document::max_stored_len(self.config.max_document_bytes);
        let is_long =
            |document: &Option<Stored>| matches!(document, Some(Stored::TooLong { len, .. }) if *len <= max_len);
        let long = attributes.iter().zip(documents).filter(|(_, document)| is_long(document));
        let long: Vec<AttributeId> = long.map(|(&(attribute, _), _)| attribute).collect();
        for &attribute in &long {
            self.take_held(attribute);
            self.request_fetch(attribute, FetchKind::Load);
        }
        !long.is_empty()
    }

    fn replace_held(&mut self, id: AttributeId, document: Stored, request: RequestId, refresh: RefreshId) {
        let held = self.take_held(id);
        let content = held.map_or(ReadContent::Loaded(Stored::Absent), |held| held.content).with(document);
        if let Some(domain) = self.attributes[id].domain {
            self.attributes.domain_mut(domain).holders.insert(id);
        }
        self.attributes[id].held = Some(HeldRead { content, request, refresh });
    }

    /// The server refuses what a joint read needs: everything is shown as it is read.
    pub(super) fn refuse_joint_reads(&mut self, id: MarkDomainId, now: Now) {
        let domain = self.attributes.domain_mut(id);
        domain.is_refused = true;
        domain.joint_read = JointReadState::None;
        let holders: Vec<AttributeId> = domain.holders.iter().copied().collect();
        self.show_held(&holders, now);
        for attribute in self.attributes.of_domain(id).collect::<Vec<_>>() {
            self.request_fetch(attribute, FetchKind::Probe);
        }
    }

    fn activate_domain(&mut self, id: MarkDomainId) {
        for attribute in self.attributes.of_domain(id).collect::<Vec<_>>() {
            self.attributes.activate(attribute);
        }
    }
}

/// The guard that this document matches.
fn guard_of(stored: &Stored, max_document_bytes: ByteLen) -> Guard {
    match document::read_within(stored, max_document_bytes) {
        Content::Absent => Guard::Absent,
        Content::Document { layout, .. } | Content::Unreadable { layout, .. } => layout.guard(),
    }
}
