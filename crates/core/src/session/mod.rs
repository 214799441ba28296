//! The state machine over the replicas of one memory. Mutations and inputs go in; commands and events come out, by one
//! rule for every host: see [`Session::poll_output`].
//!
//! A [`Session`] coordinates parts that do not know each other; each part is a type in a file of its own. The steps of the
//! coordinator are files, too, in the order of a mutation's way: `submit` (a mutation is made), `commands` (its commit goes
//! out), `answers` (the backend has answered), `rebase_stale` (the document had changed), `deltas` (the backend has announced
//! something), `report_events` (the host gets events). `groups`, `group_commands` and `group_answers` have the same steps for
//! mutations that are committed together. `journal` writes what a later process goes on from, in `journal_restore`.

mod acknowledged_check;
mod answers;
mod attribute;
mod attribute_table;
mod batch_entry;
mod change_hints;
mod commands;
mod commit_attempts;
mod connection;
mod contention;
mod delta_inbox;
mod deltas;
mod event;
mod event_queue;
mod eviction;
mod fetch_state;
mod freshness;
mod group_answers;
mod group_commands;
mod group_marks;
mod group_table;
mod groups;
mod held_reads;
mod history;
mod history_check;
mod ids;
mod input;
mod issued_numbers;
mod joint_reads;
mod journal;
mod journal_restore;
mod message_secret;
mod name_listing;
mod name_set;
mod output;
mod poll_schedule;
mod presence;
mod read_throttle;
mod rebase_stale;
mod refreshes;
mod release;
mod replica_waits;
mod report_events;
mod request_table;
mod retry_state;
mod submit;
mod timers;
mod ttl_requests;

pub use batch_entry::{BatchEntry, GroupMutations};
pub use event::Event;
pub use input::Input;
pub use journal::JournalWrite;
pub use output::Output;
pub use release::DedupKeys;

use crate::byte_len::ByteLen;
use crate::config::Config;
use crate::document::Node;
use crate::error::SyncError;
use crate::ids::{MutationNumber, RefreshId, ReplicationId, Revision, TtlRequestId};
use crate::mutation::Mutation;
use crate::protocol::Command;
use crate::replica::effect_within;
use attribute_table::{AttributeTable, check_name};
use change_hints::ChangeHints;
use connection::Connection;
use delta_inbox::DeltaInbox;
use event_queue::EventQueue;
use eviction::EvictionState;
use fetch_state::FetchKind;
use group_table::GroupTable;
use history_check::HistoryCheck;
use ids::AttributeId;
use issued_numbers::IssuedNumbers;
use journal::SessionJournal;
use message_secret::MessageSecret;
use name_set::NameSet;
use presence::Presence;
use refreshes::Refreshes;
use release::DedupKeyRelease;
use replica_waits::ReplicaWaits;
use request_table::{Purpose, RequestTable};
use std::sync::Arc;
use timers::Timers;
use ttl_requests::{TtlRequest, TtlRequests};

/// The replicas of one memory and their traffic with the backend.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    connection: Connection,
    attributes: AttributeTable,
    groups: GroupTable,
    inbox: DeltaInbox,
    secret: MessageSecret,
    hints: ChangeHints,
    refreshes: Refreshes,
    name_set: NameSet,
    replica_waits: ReplicaWaits,
    ttl_requests: TtlRequests,
    requests: RequestTable,
    timers: Timers,
    issued: IssuedNumbers,
    events: EventQueue,
    eviction: EvictionState,
    history_check: HistoryCheck,
    release: DedupKeyRelease,
    presence: Presence,
    /// None where the session keeps no journal.
    journal: Option<SessionJournal>,
}

impl Session {
    /// A session without a connection. Nothing is known about any attribute.
    pub fn new(config: Config) -> Self {
        let config = Arc::new(config);
        let mut attributes = AttributeTable::new(Arc::clone(&config));
        for name in config.names.iter().flatten() {
            attributes.find_or_add(name);
        }
        Self {
            connection: Connection::new(config.poll_interval_ms),
            attributes,
            groups: GroupTable::default(),
            inbox: DeltaInbox::new(),
            secret: MessageSecret::new(),
            hints: ChangeHints::new(),
            refreshes: Refreshes::default(),
            name_set: NameSet::default(),
            replica_waits: ReplicaWaits::new(),
            ttl_requests: TtlRequests::new(),
            requests: RequestTable::new(),
            timers: Timers::new(config.seed),
            issued: IssuedNumbers::new(),
            events: EventQueue::default(),
            eviction: EvictionState::default(),
            history_check: HistoryCheck::default(),
            release: DedupKeyRelease::default(),
            presence: Presence::default(),
            journal: None,
            config,
        }
    }

    /// The optimistic document of an attribute.
    pub fn value(&self, name: &str) -> Option<&Node> {
        self.attributes.get(name)?.replica.value()
    }

    /// The confirmed revision of an attribute.
    pub fn revision(&self, name: &str) -> Option<Revision> {
        self.attributes.get(name)?.replica.revision()
    }

    /// The oldest mutation that is not settled. Costs the number of attributes that have such mutations.
    pub fn first_pending(&self) -> Option<MutationNumber> {
        self.attributes.pending().filter_map(|attribute| attribute.replica.first_pending()).min()
    }

    /// The approximate size of all pending mutations in memory. Costs their number.
    pub fn pending_size(&self) -> ByteLen {
        ByteLen(self.attributes.pending().map(|attribute| attribute.replica.pending_size().0).sum())
    }

    /// Whether the value of an attribute is the document at its confirmed revision with the pending mutations applied. It
    /// is not while it is unknown what else is in a list that this session appended to.
    pub fn is_in_step(&self, name: &str) -> bool {
        self.attributes.get(name).is_some_and(|attribute| attribute.replica.has_known_base())
    }

    /// Checks a mutation without making it. Errors: those of [`mutate`](Self::mutate).
    pub fn check(&self, name: &str, mutation: &Mutation) -> Result<(), SyncError> {
        check_name(name)?;
        let (max_len, add) = (self.config.max_document_bytes, self.config.add);
        match self.attributes.get(name) {
            Some(attribute) => attribute.replica.effect_of(mutation, max_len).map(drop),
            None => effect_within(None, mutation, max_len, add).map(drop),
        }
    }
}

/// Requests of the host, beside mutations.
impl Session {
    /// Catches up with the backend as of now: with these attributes; or, for None, with all and with new ones. Ends with
    /// [`Event::Refreshed`], after a reconnect if need be.
    pub fn refresh(&mut self, names: Option<&[String]>) -> RefreshId {
        let id = self.begin_refresh(names);
        self.report_refreshed();
        id
    }

    fn begin_refresh(&mut self, names: Option<&[String]>) -> RefreshId {
        let ids: Vec<AttributeId> = match names {
            Some(names) => {
                let names = names.iter().filter(|name| check_name(name).is_ok());
                names.map(|name| self.attributes.find_or_add(name)).collect()
            }
            None => self.attributes.ids(),
        };
        for id in &ids {
            self.request_fetch(*id, FetchKind::Probe);
        }
        let lists_names = names.is_none() && self.config.names.is_none();
        if lists_names {
            self.requests.discard(|purpose| *purpose == Purpose::ListNames);
        }
        self.refreshes.begin(ids, lists_names)
    }

    fn request_fetch(&mut self, id: AttributeId, kind: FetchKind) {
        self.attributes[id].fetch.request(kind);
        self.attributes.activate(id);
    }

    /// Waits until `count` replicas of the server have everything that has been acknowledged. Ends with
    /// [`Event::Replicated`], at most `wait_ms` after the server has got the request.
    pub fn replicate(&mut self, count: u32, wait_ms: u64) -> ReplicationId {
        self.replica_waits.add(count, wait_ms)
    }

    /// Makes an attribute expire `ms` milliseconds after the backend gets the request, which goes out once the mutations
    /// that were made before are settled. Ends with [`Event::Lifetime`]. Errors: `ReservedName`.
    pub fn expire(&mut self, name: &str, ms: u64) -> Result<TtlRequestId, SyncError> {
        self.request_ttl(name, Command::Expire { key: self.attributes.key(name), ms })
    }

    /// Makes an attribute stay until it is deleted: see [`expire`](Self::expire).
    pub fn persist(&mut self, name: &str) -> Result<TtlRequestId, SyncError> {
        self.request_ttl(name, Command::Persist { key: self.attributes.key(name) })
    }

    /// Reads when an attribute expires: see [`expire`](Self::expire).
    pub fn ttl(&mut self, name: &str) -> Result<TtlRequestId, SyncError> {
        self.request_ttl(name, Command::Ttl { key: self.attributes.key(name) })
    }

    fn request_ttl(&mut self, name: &str, command: Command) -> Result<TtlRequestId, SyncError> {
        self.request(name, command, None)
    }

    fn request(&mut self, name: &str, command: Command, wanted: Option<Revision>) -> Result<TtlRequestId, SyncError> {
        check_name(name)?;
        let (id, after) = (self.ttl_requests.next_id(), self.issued.last_mutation());
        self.queue_ttl(TtlRequest { id, name: name.to_owned(), command, wanted, after, not_before: None });
        Ok(id)
    }

    /// Queues a request behind the mutations that were made before it.
    fn queue_ttl(&mut self, request: TtlRequest) {
        let blocked_by = self.attributes.find(&request.name).filter(|id| {
            let first_pending = self.attributes[*id].replica.first_pending();
            first_pending.is_some_and(|first| first <= request.after)
        });
        self.ttl_requests.add(request, blocked_by);
    }
}
