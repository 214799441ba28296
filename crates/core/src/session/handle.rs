//! Inputs: what the backend said, and that time has passed.

use super::attribute::{Attribute, Expected, Want};
use super::attributes::Id;
use super::groups::TOLD_WITHIN_MS;
use super::refresh::Ticket;
use super::{Event, Now, Purpose, Request, Session, Timer, check_name};
use crate::command::{Answer, Changes, Commits, Input, Outcome, Probed, RequestId};
use crate::document::{Stored, told_revision};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{Revision, Sequence};
use crate::replica::Change;

/// The first retry of what the backend was too busy for, in milliseconds; doubled each time, up to a limit.
const FIRST_RETRY_MS: u64 = 20;
const LONGEST_RETRY_MS: u64 = 2_000;
/// Names that nobody tells of are listed at every so many looks.
const LOOKS_PER_LISTING: u64 = 10;

impl Session {
    /// Take one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Hears(commits, changes) => {
                self.hears = (commits, changes);
                self.plan_look(now);
            }
            Input::Connected => self.connect(now),
            Input::Disconnected(error) => self.disconnect(error),
            Input::Answer(id, answer) => self.take_answer(id, answer, now),
            Input::Changed(keys) => self.fetch_changed(&keys, now),
            Input::ChangedAll => drop(self.begin_refresh(None)),
            Input::Announced(told) => self.take_announcements(told, now),
            Input::Tick => self.tick(now),
        }
        self.report_refreshed();
        self.report_settled();
    }

    fn connect(&mut self, now: Now) {
        self.forget_traffic();
        self.connected = true;
        self.last_answer_ms = now.monotonic_ms;
        self.catch_up = Some(self.begin_refresh(None));
        self.plan_look(now);
    }

    fn disconnect(&mut self, error: SyncError) {
        self.forget_traffic();
        self.connected = false;
        self.catch_up = None;
        self.events.push_back(Event::Disconnected(error));
        self.report_ready();
    }

    /// Answers to what has been sent will not come, and commits have to be sent again.
    fn forget_traffic(&mut self) {
        for request in std::mem::take(&mut self.requests).into_values() {
            match request.purpose {
                Purpose::Replicas(request) => {
                    let error =
                        SyncError::new(ErrorCode::Unavailable, "the connection was lost before the replicas answered");
                    self.events.push_back(Event::Replicated { request, count: Err(error) });
                }
                Purpose::Ask(ask) => self.ask_again(ask),
                _ => {}
            }
        }
        self.commands.clear();
        self.timers.clear();
        self.next_look = None;
        self.next_page = None;
        self.told_together.clear();
        for id in self.attributes.ids() {
            let attribute = &mut self.attributes[id];
            attribute.end_fetch();
            attribute.known_here = false;
            attribute.told.clear();
            attribute.expected = None;
            attribute.waits = false;
            attribute.attempts = 0;
            attribute.answers_due = 0;
            attribute.replica.unsend_all();
            self.attributes.activate(id);
        }
    }

    fn tick(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_up_to(now.monotonic_ms) {
            match timer {
                Timer::List => self.next_page = Some("0".to_owned()),
                Timer::Retry(id) => {
                    self.attributes[id].waits = false;
                    self.attributes.activate(id);
                }
                Timer::Glance(id) => {
                    let attribute = &mut self.attributes[id];
                    if attribute.expected.as_ref().is_some_and(|expected| expected.until_ms > now.monotonic_ms) {
                        continue;
                    }
                    let is_overdue = attribute.expected.take().is_some();
                    attribute.ask(if is_overdue { Want::Tail } else { Want::Probe });
                    self.attributes.activate(id);
                }
            }
        }
        if self.next_look.is_some_and(|at| at <= now.monotonic_ms) {
            self.look();
            self.plan_look(now);
        }
        self.reset |= self.connected && self.overdue_at().is_some_and(|at| at <= now.monotonic_ms);
    }

    /// Look for what nobody tells of.
    fn look(&mut self) {
        self.looks += 1;
        if self.hears.1 == Changes::Unheard {
            for id in self.attributes.ids() {
                let attribute = &mut self.attributes[id];
                if attribute.replica.is_loaded() {
                    attribute.ask(Want::Probe);
                    self.attributes.activate(id);
                }
            }
        }
        let is_listing = self.next_page.is_some() || self.requests.values().any(Request::is_listing);
        if self.looks.is_multiple_of(LOOKS_PER_LISTING) && self.config.names.is_none() && !is_listing {
            self.next_page = Some("0".to_owned());
        }
    }

    fn plan_look(&mut self, now: Now) {
        let every = self.config.look_every_ms.filter(|_| self.connected && self.hears.1 != Changes::OfAll);
        // However many there are, it is no more than one in a millisecond.
        self.next_look = every.map(|ms| now.monotonic_ms + ms.max(self.attributes.len() as u64));
    }

    fn take_answer(&mut self, id: RequestId, answer: Answer, now: Now) {
        // An answer to what has since been given up, or sent again.
        let Some(Request { purpose, ticket, .. }) = self.requests.remove(id.0) else {
            return;
        };
        self.last_answer_ms = now.monotonic_ms;
        match purpose {
            Purpose::Names => self.take_names(answer, now),
            Purpose::Ask(ask) => self.take_asked(ask, answer, now),
            Purpose::Replicas(request) => {
                let count = match answer {
                    Answer::Replicas(count) => Ok(count),
                    other => Err(refusal(other)),
                };
                self.events.push_back(Event::Replicated { request, count });
            }
            Purpose::Fetch(id) => {
                self.take_fetched(id, answer, ticket, now);
                self.follow(id, now);
                self.attributes.activate(id);
            }
            Purpose::Group(id) => self.take_group_outcome(id, answer, now),
            Purpose::Nothing => {}
            Purpose::Commit(id, sequence) => {
                self.attributes[id].answers_due -= 1;
                self.take_outcome(id, sequence, answer, now);
                self.follow(id, now);
                self.attributes.activate(id);
            }
        }
    }

    fn take_names(&mut self, answer: Answer, now: Now) {
        match answer {
            Answer::Names { cursor, keys } => {
                for key in keys {
                    let Some(name) = key.strip_prefix(&self.config.prefix) else {
                        continue;
                    };
                    if check_name(name).is_err() {
                        continue;
                    }
                    let id = self.attribute(name);
                    // What has been fetched was known when the refresh began, or has been fetched since.
                    if self.attributes[id].current_as_of == Ticket::default() {
                        self.attributes[id].ask(Want::Probe);
                        self.attributes.activate(id);
                        self.refreshes.listed(id);
                    }
                }
                if cursor == "0" {
                    self.refreshes.listing_done();
                } else {
                    self.next_page = Some(cursor);
                }
            }
            Answer::Busy(_) => self.retry(Timer::List, 5, now),
            other => {
                self.events.push_back(Event::Failed(refusal(other)));
                self.refreshes.listing_done();
            }
        }
    }

    fn take_fetched(&mut self, id: Id, answer: Answer, ticket: Ticket, now: Now) {
        let commits = self.hears.0;
        let attribute = &mut self.attributes[id];
        let fetched = attribute.end_fetch();
        if matches!(answer, Answer::Loaded(_) | Answer::Tail { .. }) && attribute.replica.has_unanswered() {
            // The server was busy when it got them. What came of them is known first.
            attribute.ask(fetched);
            return;
        }
        match answer {
            Answer::Loaded(stored) => {
                attribute.attempts = 0;
                // Did somebody delete it, or did the server lose it? The answer to the next commit tells.
                let undecided = stored == Stored::Absent
                    && attribute.replica.first_pending().is_some()
                    && attribute.replica.is_loaded()
                    && attribute.replica.must_be_remembered(now);
                attribute.known_here = true;
                attribute.changed = false;
                if undecided {
                    attribute.replica.build_again(now);
                } else {
                    self.rebase(id, &stored, now);
                }
            }
            Answer::Probed(probed) => {
                attribute.attempts = 0;
                if !attribute.replica.is_current(&probed) {
                    let is_to_be_told = match commits {
                        Commits::Unheard => false,
                        Commits::WithAnswers => !attribute.told.is_empty(),
                        Commits::Beside => true,
                    };
                    let is_to_be_told = is_to_be_told && attribute.known_here && !attribute.changed;
                    if let Some(revision) = revision_of(&probed).filter(|_| is_to_be_told) {
                        // It may have been committed together with what changed elsewhere, and is taken in with that.
                        let earlier = attribute.expected.as_ref().map(|expected| expected.until_ms);
                        let until_ms = earlier.unwrap_or(now.monotonic_ms + TOLD_WITHIN_MS);
                        attribute.expected = Some(Expected { revision, ticket, until_ms });
                        self.timers.add(until_ms, Timer::Glance(id));
                    } else {
                        // The end of a list tells what was appended, or that it is another.
                        attribute.ask(Want::Tail);
                    }
                    return;
                }
                attribute.known_here = true;
                attribute.changed = false;
            }
            Answer::Tail { appends, bytes } => {
                attribute.attempts = 0;
                self.abort_strict(id, now);
                let attribute = &mut self.attributes[id];
                let Some(rebased) = attribute.replica.catch_up(attribute.tail_at, &bytes, appends, now) else {
                    attribute.ask(Want::Load);
                    return;
                };
                attribute.changed = false;
                self.report_rebased(id, rebased, now);
            }
            Answer::Busy(error) => {
                attribute.ask(fetched);
                self.wait(id, error, now);
                return;
            }
            other => {
                let error = refusal(other);
                self.abort_all(id, &error, now);
                let attribute = &mut self.attributes[id];
                if let Some(first) = attribute.replica.give_up(error.clone()) {
                    self.report_rejected(id, error.clone(), first);
                }
                self.report_sums(id);
                self.report_change(id, Change::Unreadable(error));
            }
        }
        self.attributes[id].fetched(ticket);
    }

    fn take_outcome(&mut self, id: Id, sequence: Sequence, answer: Answer, now: Now) {
        let commits = self.hears.0;
        let attribute = &mut self.attributes[id];
        match answer {
            Answer::Committed(Outcome::Stale { stored: Some(stored), remembers })
                if attribute.replica.is_first(sequence) =>
            {
                attribute.attempts = 0;
                attribute.known_here = true;
                attribute.replica.unsend(sequence);
                if stored == Stored::Absent && !remembers && attribute.replica.must_be_remembered(now) {
                    let rebased = attribute.replica.recreate(now);
                    self.report_rebased(id, rebased, now);
                } else {
                    self.rebase(id, &stored, now);
                }
            }
            Answer::Committed(Outcome::Stale { .. }) => {
                let is_first = attribute.replica.is_first(sequence);
                attribute.replica.unsend(sequence);
                if is_first {
                    attribute.ask(Want::Load);
                }
            }
            Answer::Committed(outcome) => {
                attribute.attempts = 0;
                let is_news = match outcome {
                    Outcome::Appended { revision } => {
                        let is_news = attribute.replica.appended(sequence, Some(revision), now);
                        if commits != Commits::Unheard && attribute.replica.can_follow_behind() {
                            self.expect(id, Some(revision), now);
                        } else {
                            attribute.ask(Want::Tail);
                        }
                        is_news
                    }
                    Outcome::Duplicate => {
                        // More may have been applied since.
                        attribute.ask(Want::Probe);
                        attribute.replica.applied_before(sequence, now)
                    }
                    _ => {
                        let is_news = attribute.replica.applied(sequence, now);
                        attribute.known_here |= attribute.replica.is_in_step();
                        is_news
                    }
                };
                if is_news {
                    self.report_acknowledged(id);
                }
            }
            Answer::Busy(error) => {
                attribute.replica.unsend_all();
                self.forget_commits(id);
                self.wait(id, error, now);
            }
            other => {
                self.reject(id, sequence, refusal(other), now);
            }
        }
    }

    /// What its appends landed on is about to be told, up to this revision; if it is not, it is read.
    pub(super) fn expect(&mut self, id: Id, revision: Option<Revision>, now: Now) {
        let attribute = &mut self.attributes[id];
        let Some(revision) = revision.filter(|_| attribute.expected.is_none()) else { return };
        let until_ms = now.monotonic_ms + TOLD_WITHIN_MS;
        attribute.expected = Some(Expected { revision, ticket: Ticket::default(), until_ms });
        self.timers.add(until_ms, Timer::Glance(id));
    }

    fn reject(&mut self, id: Id, sequence: Sequence, error: SyncError, now: Now) {
        self.abort_strict(id, now);
        if let Some((first, rebased)) = self.attributes[id].replica.reject(sequence, &error, now) {
            self.report_rejected(id, error, first);
            self.report_rebased(id, rebased, now);
        }
    }

    /// A commit went out, its answer never came, and the server may not know any more: sending it again could
    /// apply it twice.
    pub(super) fn give_up_commit(&mut self, id: Id, sequence: Sequence, now: Now) {
        self.attributes[id].ask(Want::Load);
        self.reject(id, sequence, outcome_unknown(), now);
        self.report_settled();
    }

    pub(super) fn rebase(&mut self, id: Id, stored: &Stored, now: Now) {
        // What is found not to be there is what a transaction began with.
        if self.attributes[id].replica.is_loaded() || *stored != Stored::Absent {
            self.abort_strict(id, now);
        }
        let rebased = self.attributes[id].replica.rebase(stored, now);
        self.report_rebased(id, rebased, now);
    }

    /// Commits on their way are going to be sent anew: answers to how they were do not count.
    pub(super) fn forget_commits(&mut self, id: Id) {
        let Attribute { replica, answers_due, .. } = &mut self.attributes[id];
        if *answers_due == 0 {
            return;
        }
        for request in self.requests.values_mut() {
            if matches!(&request.purpose, Purpose::Commit(of, sequence) if *of == id && !replica.is_in_flight(*sequence))
            {
                request.purpose = Purpose::Nothing;
                *answers_due -= 1;
            }
        }
    }

    /// Try an attribute again later.
    pub(super) fn wait(&mut self, id: Id, error: SyncError, now: Now) {
        let attribute = &mut self.attributes[id];
        if attribute.attempts == 0 {
            self.events.push_back(Event::Failed(error));
        }
        if !std::mem::replace(&mut attribute.waits, true) {
            attribute.attempts += 1;
            let attempts = attribute.attempts;
            self.retry(Timer::Retry(id), attempts, now);
        }
    }

    fn retry(&mut self, what: Timer, attempts: u32, now: Now) {
        let longest = (FIRST_RETRY_MS << attempts.min(10)).min(LONGEST_RETRY_MS);
        // xorshift: enough to keep many clients from trying in step.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let delay = longest / 2 + self.random % (longest / 2 + 1);
        self.timers.add(now.monotonic_ms + delay, what);
    }
}

/// The revision of what is stored, as far as a glance tells; 0 where nothing is.
fn revision_of(probed: &Probed) -> Option<Revision> {
    match probed {
        Probed::Absent => Some(Revision(0)),
        Probed::Text { bytes, .. } => told_revision(bytes),
        Probed::OtherType => None,
    }
}

pub(super) fn outcome_unknown() -> SyncError {
    SyncError::new(
        ErrorCode::OutcomeUnknown,
        "the connection was lost before the answer and came back only after the server may have forgotten what it \
         applied; look at the attribute and mutate it again where that is missing",
    )
}

pub(super) fn refusal(answer: Answer) -> SyncError {
    match answer {
        Answer::Refused(error) | Answer::Busy(error) => error,
        _ => SyncError::new(ErrorCode::Internal, "the backend gave an answer of another kind than was asked for"),
    }
}
