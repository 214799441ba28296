//! Commands: choosing what each attribute sends next.

use super::Session;
use super::ids::AttributeId;
use super::journal::SessionJournal;
use super::request_table::Purpose;
use crate::byte_len::ByteLen;
use crate::config::SecretOptions;
use crate::document;
use crate::protocol::{Command, MAX_NAMES_LOG_BYTES, RequestId, names_key};
use crate::time::Now;

impl Session {
    /// Makes commands for everything that can go at once, where none are left.
    pub(super) fn prepare_commands(&mut self, now: Now) {
        if self.connection.can_send() && !self.requests.has_commands() {
            self.make_commands(now);
        }
    }

    /// The next command, if one can go now.
    pub(super) fn next_command(&mut self) -> Option<(RequestId, Command)> {
        if self.connection.can_send() { self.requests.pop_command() } else { None }
    }

    fn make_commands(&mut self, now: Now) {
        self.send_secret_request(now);
        self.send_eviction_policy(now);
        if self.eviction.is_awaited() {
            // The outcome of a restored commit may depend on it.
            return;
        }
        self.send_mark_reads(now);
        self.send_listing(now);
        self.send_replica_waits(now);
        while self.requests.has_room()
            && let Some(id) = self.attributes.pop_active()
        {
            self.send_for_attribute(id, now);
            self.send_groups(id, now);
            self.unblock_ttl(id);
        }
        self.send_groups_without_attributes(now);
        self.send_joint_reads(now);
        self.send_mark_reads(now);
        self.attributes.settle_domains();
        self.send_ttl_requests(now);
        self.send_presence(now);
        self.evict_absent(now);
    }

    /// The secret is read before anything that may be committed on what is read.
    fn send_secret_request(&mut self, now: Now) {
        if self.secret.take_request()
            && let Some(SecretOptions { prefix, candidate }) = self.config.secret.clone()
        {
            self.send(Purpose::ReadSecret, Command::Secret { prefix, candidate }, ByteLen(0), now);
        }
    }

    fn send_listing(&mut self, now: Now) {
        if self.refreshes.listing.is_at_start() && self.config.notes_names {
            // It is read before the names are listed: they are complete as of the log, or of a later one.
            self.requests.discard(|purpose| *purpose == Purpose::ReadNamesLog);
            let key = names_key(&self.config.prefix);
            self.send(
                Purpose::ReadNamesLog,
                Command::Load { key, max_len: ByteLen(MAX_NAMES_LOG_BYTES) },
                ByteLen(0),
                now,
            );
        }
        if let Some(cursor) = self.refreshes.listing.take_cursor() {
            let prefix = self.config.prefix.clone();
            self.send(Purpose::ListNames, Command::Names { prefix, cursor }, ByteLen(0), now);
        }
    }

    fn send_replica_waits(&mut self, now: Now) {
        if self.refreshes.is_catching_up() {
            return;
        }
        for wait in self.replica_waits.take() {
            let (prefix, writer) = (self.config.prefix.clone(), self.config.writer.clone());
            let command = Command::Replicas { prefix, writer, wanted: wait.count, wait_ms: wait.wait_ms };
            self.send(Purpose::Replicate(wait.id), command, ByteLen(0), now);
        }
    }

    fn send_for_attribute(&mut self, id: AttributeId, now: Now) {
        if self.attributes[id].retry.is_waiting() {
            return;
        }
        self.send_sequence_check(id, now);
        let replica = &self.attributes[id].replica;
        if let Some(sequence) = replica.first_expired(now) {
            match replica.group_of(sequence) {
                Some(group) => self.give_up_group(group, now),
                None => self.give_up_commit(id, sequence, now),
            }
        }
        self.send_fetch(id, now);
        self.send_commits(id, now);
        // Commits may have had to go before a probe.
        self.send_fetch(id, now);
    }

    fn send_fetch(&mut self, id: AttributeId, now: Now) {
        if self.is_read_jointly(id) {
            return;
        }
        let max_len = document::max_stored_len(self.config.max_document_bytes);
        if let Some(command) = self.attributes[id].next_fetch(max_len, now) {
            let is_probe = matches!(command, Command::Probe { .. });
            self.send(Purpose::Fetch(id), command, ByteLen(0), now);
            if let Some(domain) = self.mark_domain(id).filter(|_| !is_probe) {
                self.attributes.domain_mut(domain).require_read();
            }
        }
    }

    fn send_commits(&mut self, id: AttributeId, now: Now) {
        if self.is_read_jointly(id) {
            return;
        }
        let terms = self.attributes[id].contention.terms(self.connection.delta_delivery, self.requests.round_trip_ms());
        while let Some(commit) = self.attributes[id].next_commit(now, self.issued.next_sequence(), terms) {
            if commit.sequence >= self.issued.next_sequence() {
                self.journal_seal(id, &commit);
            }
            self.issued.use_sequence(commit.sequence);
            self.attributes[id].commits_in_flight += 1;
            self.attributes[id].attempts.count(commit.sequence);
            let len = commit.plan.command_len();
            self.send(
                Purpose::Commit(id, commit.sequence),
                Command::Commit(commit, self.secret.known().cloned()),
                len,
                now,
            );
        }
    }

    /// Queues the requests again that an attribute's mutations had blocked.
    fn unblock_ttl(&mut self, id: AttributeId) {
        for request in self.ttl_requests.take_blocked(id) {
            self.queue_ttl(request);
        }
    }

    fn send_ttl_requests(&mut self, now: Now) {
        for request in self.ttl_requests.take_ready(now) {
            let command = request.command.clone();
            self.send_expiry_of_history(&command, now);
            self.send(Purpose::TimeToLive(request), command, ByteLen(0), now);
        }
    }

    /// Adds a request. `len` is its length, as far as it can be large.
    pub(super) fn send(&mut self, purpose: Purpose, command: Command, len: ByteLen, now: Now) -> RequestId {
        self.requests.add(purpose, command, len, self.refreshes.newest(), now)
    }

    fn evict_absent(&mut self, now: Now) {
        if !self.attributes.is_eviction_due() {
            return;
        }
        let read_jointly: Vec<AttributeId> = self.attributes.read_jointly().collect();
        let referenced = self
            .refreshes
            .awaited()
            .chain(self.timers.attributes())
            .chain(self.groups.attributes())
            .chain(self.inbox.attributes())
            .chain(self.ttl_requests.attributes())
            .chain(self.journal.iter().flat_map(SessionJournal::attributes))
            .chain(read_jointly);
        self.attributes.evict_absent(referenced, now);
    }
}
