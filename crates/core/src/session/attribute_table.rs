//! The attributes of a session, and which of them have something to do.

use super::attribute::Attribute;
use super::group_marks::MarkDomain;
use super::ids::{AttributeId, MarkDomainId};
use crate::config::Config;
use crate::document::quoted;
use crate::error::{ErrorCode, SyncError};
use crate::id_map::IdMap;
use crate::ids::{MutationNumber, Revision};
use crate::protocol::{EvictionPolicy, group_mark_key};
use crate::replica::Replica;
use crate::time::Now;
use compact_str::CompactString;
use std::collections::{HashMap, VecDeque};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// The attributes by id and by name.
///
/// - An attribute is *active* if something about it may have to be sent. It is so once, however often it is activated.
/// - An attribute is *pending* if it may have mutations that are not settled.
/// - An attribute has *diverged* if the host made mutations of it that were rejected, and has not confirmed yet that it
///   took them back.
#[derive(Debug)]
pub(super) struct AttributeTable {
    config: Arc<Config>,
    /// By id. Those that were evicted have no name.
    all: Vec<Attribute>,
    ids: HashMap<CompactString, AttributeId>,
    /// The ids of those that were evicted.
    vacant: Vec<AttributeId>,
    active: VecDeque<AttributeId>,
    /// The pending attributes by their oldest unsettled mutation, or by an older one until `first_pending` corrects it.
    pending: IdMap<MutationNumber, AttributeId>,
    diverged: Vec<(AttributeId, SyncError)>,
    domains: Vec<MarkDomain>,
    domain_ids: HashMap<String, MarkDomainId>,
    active_domains: Vec<MarkDomainId>,
    eviction: Eviction,
    /// The policy of the server, as far as it is known.
    eviction_policy: Option<EvictionPolicy>,
}

/// When absent attributes are evicted: a session that makes an attribute for each visitor must not keep them all.
#[derive(Debug)]
struct Eviction {
    /// The number of attributes that triggers the next eviction.
    threshold: usize,
    /// The time of the last eviction as a revision. No evicted attribute had a higher one, and one that is made again
    /// starts above it.
    revision: Option<Revision>,
}

impl AttributeTable {
    pub(super) fn new(config: Arc<Config>) -> Self {
        let eviction = Eviction { threshold: config.max_absent_attributes, revision: None };
        let mut table = Self {
            config,
            all: Vec::new(),
            ids: HashMap::new(),
            vacant: Vec::new(),
            active: VecDeque::new(),
            pending: IdMap::default(),
            diverged: Vec::new(),
            domains: Vec::new(),
            domain_ids: HashMap::new(),
            active_domains: Vec::new(),
            eviction,
            eviction_policy: None,
        };
        if table.config.notes_names {
            // Its mark is read before anything is.
            table.domain_of(&table.config.prefix.clone());
        }
        table
    }

    /// The number of attributes.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn ids(&self) -> Vec<AttributeId> {
        let all = self.all.iter().enumerate().filter(|(_, attribute)| !attribute.name.is_empty());
        all.map(|(index, _)| AttributeId::new(index)).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<AttributeId> {
        self.ids.get(name).copied()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.find(name).map(|id| &self[id])
    }

    /// The attribute of this name; a new one, which is active, where there is none.
    pub(super) fn find_or_add(&mut self, name: &str) -> AttributeId {
        self.find(name).unwrap_or_else(|| self.add(name))
    }

    fn add(&mut self, name: &str) -> AttributeId {
        let mut replica = Replica::new(self.key(name), Arc::clone(&self.config), self.eviction.revision);
        replica.set_eviction_policy(self.eviction_policy);
        let domain = self.domain_of(replica.key());
        if let Some(domain) = domain {
            self.domain_mut(domain).size += 1;
        }
        let attribute = Attribute { domain, ..Attribute::new(name.to_owned(), replica) };
        let id = if let Some(id) = self.vacant.pop() {
            self[id] = attribute;
            id
        } else {
            self.all.push(attribute);
            AttributeId::new(self.all.len() - 1)
        };
        self.ids.insert(name.into(), id);
        self.activate(id);
        id
    }

    /// The server has this eviction policy; None: that is unknown.
    pub(super) fn set_eviction_policy(&mut self, policy: Option<EvictionPolicy>) {
        self.eviction_policy = policy;
        for attribute in &mut self.all {
            attribute.replica.set_eviction_policy(policy);
        }
    }

    /// The key of an attribute.
    pub(super) fn key(&self, name: &str) -> String {
        [&self.config.prefix, name].concat()
    }

    /// The attribute of a key, if the session has it.
    pub(super) fn find_key(&self, key: &str) -> Option<AttributeId> {
        self.find(key.strip_prefix(&self.config.prefix)?)
    }

    /// Whether the key can be one of an attribute that a listing of the names finds.
    pub(super) fn may_have_key(&self, key: &str) -> bool {
        self.config.names.is_none()
            && key.strip_prefix(&self.config.prefix).is_some_and(|name| check_name(name).is_ok())
    }

    /// The attribute of a key. None if the key cannot be one of this memory, or if the session is restricted to names and
    /// has no such attribute.
    pub(super) fn of_key(&mut self, key: &str) -> Option<AttributeId> {
        let name = key.strip_prefix(&self.config.prefix).filter(|name| check_name(name).is_ok())?;
        if self.config.names.is_some() { self.find(name) } else { Some(self.find_or_add(name)) }
    }
}

/// Active attributes.
impl AttributeTable {
    pub(super) fn activate(&mut self, id: AttributeId) {
        if !std::mem::replace(&mut self[id].is_active, true) {
            self.active.push_back(id);
        }
    }

    /// Removes and returns the attribute that has been active for longest.
    pub(super) fn pop_active(&mut self) -> Option<AttributeId> {
        let id = self.active.pop_front()?;
        self[id].is_active = false;
        Some(id)
    }
}

/// Pending mutations.
impl AttributeTable {
    /// The mutation `number`, the newest of all, has been made on this attribute.
    pub(super) fn add_pending(&mut self, id: AttributeId, number: MutationNumber) {
        if !std::mem::replace(&mut self[id].is_pending, true) {
            self.pending.add(number, id);
        }
    }

    /// The pending attributes.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Attribute> {
        self.pending.values().map(|id| &self[*id])
    }

    /// The oldest mutation that is not settled. Costs the number of attributes that have settled some since the last call.
    pub(super) fn first_pending(&mut self) -> Option<MutationNumber> {
        loop {
            let number = self.pending.first_id()?;
            let id = *self.pending.first()?;
            let first = self[id].replica.first_pending();
            if first == Some(number) {
                return first;
            }
            self.pending.pop_up_to(number);
            match first {
                Some(first) => self.pending.add(first, id),
                None => self[id].is_pending = false,
            }
        }
    }
}

/// Diverged attributes.
impl AttributeTable {
    /// Why the attribute has diverged.
    pub(super) fn divergence(&self, id: AttributeId) -> Option<&SyncError> {
        self.diverged.iter().find(|(diverged, _)| *diverged == id).map(|(_, error)| error)
    }

    /// Marks an attribute as diverged. False if it has diverged already.
    pub(super) fn set_diverged(&mut self, id: AttributeId, error: SyncError) -> bool {
        let is_new = self.divergence(id).is_none();
        if is_new {
            self.diverged.push((id, error));
        }
        is_new
    }

    /// The host has the value of every attribute again.
    pub(super) fn clear_diverged(&mut self) {
        self.diverged.clear();
    }
}

/// The documents that share group marks.
impl AttributeTable {
    /// The domain of a document, which is a new one where there is none yet.
    fn domain_of(&mut self, key: &str) -> Option<MarkDomainId> {
        let mark_key = group_mark_key(&self.config.prefix, key, self.config.notes_names)?;
        let domains = &mut self.domains;
        let id = *self.domain_ids.entry(mark_key).or_insert_with_key(|mark_key| {
            domains.push(MarkDomain::new(mark_key.clone()));
            MarkDomainId(domains.len() - 1)
        });
        self.domain_mut(id);
        Some(id)
    }

    /// The key of the group mark of `count` commits to some of these attributes. None where there are not several commits, and
    /// where the attributes do not share a mark.
    pub(super) fn shared_mark_key(&self, count: usize, changes: &[AttributeId]) -> Option<String> {
        let domain = self[*changes.first()?].domain?;
        let is_shared = count > 1 && changes.iter().all(|id| self[*id].domain == Some(domain));
        is_shared.then(|| self.domain(domain).key.clone())
    }

    pub(super) fn domain(&self, id: MarkDomainId) -> &MarkDomain {
        &self.domains[id.0]
    }

    /// The domain to change, which is active afterwards.
    pub(super) fn domain_mut(&mut self, id: MarkDomainId) -> &mut MarkDomain {
        let domain = &mut self.domains[id.0];
        if !std::mem::replace(&mut domain.is_active, true) {
            self.active_domains.push(id);
        }
        domain
    }

    /// Changes all domains, which are active afterwards.
    pub(super) fn change_domains(&mut self, change: impl Fn(&mut MarkDomain)) {
        for index in 0..self.domains.len() {
            change(self.domain_mut(MarkDomainId(index)));
        }
    }

    /// The domains about which something may have to be sent.
    pub(super) fn active_domains(&self) -> Vec<MarkDomainId> {
        self.active_domains.clone()
    }

    /// Ends the activity of the domains that have nothing to send. Call it once everything that can go has been sent.
    pub(super) fn settle_domains(&mut self) {
        let domains = &mut self.domains;
        self.active_domains.retain(|id| {
            let domain = &mut domains[id.0];
            domain.is_active = domain.is_due();
            domain.is_active
        });
    }

    /// The attributes of a domain.
    pub(super) fn of_domain(&self, id: MarkDomainId) -> impl Iterator<Item = AttributeId> {
        let all = self.all.iter().enumerate();
        let is_in = move |attribute: &Attribute| !attribute.name.is_empty() && attribute.domain == Some(id);
        all.filter(move |(_, attribute)| is_in(attribute)).map(|(index, _)| AttributeId::new(index))
    }

    /// The attributes of joint reads in flight.
    pub(super) fn read_jointly(&self) -> impl Iterator<Item = AttributeId> {
        self.domains.iter().flat_map(MarkDomain::read_jointly)
    }
}

/// Eviction.
impl AttributeTable {
    /// Whether absent attributes are to be evicted. Those of a session that is restricted to names never are: without a
    /// listing, nothing would find them again.
    pub(super) fn is_eviction_due(&self) -> bool {
        self.len() >= self.eviction.threshold && self.config.names.is_none() && self.diverged.is_empty()
    }

    /// Evicts the attributes that have no document and nothing in progress, but for those that something refers to. An
    /// attribute that comes back gets higher revisions than it had.
    pub(super) fn evict_absent(&mut self, referenced: impl Iterator<Item = AttributeId>, now: Now) {
        let mut is_referenced = vec![false; self.all.len()];
        for id in referenced {
            is_referenced[id.index()] = true;
        }
        for (index, attribute) in self.all.iter_mut().enumerate() {
            if !attribute.name.is_empty() && !is_referenced[index] && attribute.is_evictable(now) {
                self.ids.remove(attribute.name.as_str());
                attribute.name.clear();
                if let Some(domain) = attribute.domain {
                    self.domains[domain.0].size -= 1;
                }
                self.vacant.push(AttributeId::new(index));
            }
        }
        self.eviction.revision = self.eviction.revision.max(Some(Revision(now.unix_ns)));
        self.eviction.threshold = self.len() + self.len() / 8 + self.config.max_absent_attributes;
    }
}

impl Index<AttributeId> for AttributeTable {
    type Output = Attribute;

    fn index(&self, id: AttributeId) -> &Attribute {
        &self.all[id.index()]
    }
}

impl IndexMut<AttributeId> for AttributeTable {
    fn index_mut(&mut self, id: AttributeId) -> &mut Attribute {
        &mut self.all[id.index()]
    }
}

/// Errors: `ReservedName`.
pub(super) fn check_name(name: &str) -> Result<(), SyncError> {
    if name.is_empty() || name.starts_with(['$', '_']) || name.contains(':') {
        return Err(SyncError::new(
            ErrorCode::ReservedName,
            format!(
                "the attribute name {} is reserved: it must not be empty, start with $ or _, or hold a colon",
                quoted(name)
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_len::ByteLen;
    use crate::config::MAX_COMMIT_SIZE;
    use crate::config::TransportLifetime;
    use crate::document::add;
    use crate::ids::WriterId;
    use crate::mutation::{Json, Mutation};
    use crate::protocol::DEDUP_KEY_SECONDS;
    use crate::time::Instant;

    const NOW: Now = Now { unix_ns: 1_000, monotonic: Instant(0) };

    fn table(names: Option<&[&str]>) -> AttributeTable {
        AttributeTable::new(Arc::new(Config {
            prefix: "memory:".into(),
            secret: None,
            names: names.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            writer: WriterId("w".into()),
            host: None,
            max_document_bytes: ByteLen(100),
            max_commit_size: MAX_COMMIT_SIZE,
            publishes_deltas: true,
            notes_names: true,
            poll_interval_ms: None,
            dedup_key_seconds: DEDUP_KEY_SECONDS,
            transport_lifetime: TransportLifetime::Process,
            ttl_ms: None,
            seed: 7,
            add,
            history: None,
            max_absent_attributes: 2,
        }))
    }

    fn mutate(table: &mut AttributeTable, id: AttributeId, number: u64) {
        let (number, assign) = (MutationNumber(number), Mutation::Assign { value: Json("1".into()) });
        table[id].replica.mutate(number, assign, ByteLen(100), None).expect("it fits");
        table.add_pending(id, number);
    }

    #[test]
    fn an_attribute_is_active_once() {
        let mut table = table(None);
        let [x, y] = ["x", "y"].map(|name| table.find_or_add(name));
        table.activate(x);
        assert_eq!([table.pop_active(), table.pop_active(), table.pop_active()], [Some(x), Some(y), None]);
        table.activate(y);
        assert_eq!(table.pop_active(), Some(y));
    }

    #[test]
    fn keys_of_other_memories_and_unknown_names_have_no_attribute() {
        let mut unrestricted = table(None);
        assert_eq!(unrestricted.of_key("memory:x"), unrestricted.find("x"));
        assert!(unrestricted.find("x").is_some());
        for key in ["other:x", "memory:scope:x", "memory:", "memory:$x"] {
            assert_eq!(unrestricted.of_key(key), None, "{key}");
        }
        let mut restricted = table(Some(&["x"]));
        restricted.find_or_add("x");
        assert!(restricted.of_key("memory:x").is_some());
        assert_eq!(restricted.of_key("memory:y"), None);
    }

    #[test]
    fn the_oldest_pending_mutation_is_found_however_they_settle() {
        let mut table = table(None);
        let [x, y] = ["x", "y"].map(|name| table.find_or_add(name));
        for (number, id) in [(1, x), (2, y), (3, x)] {
            mutate(&mut table, id, number);
        }
        assert_eq!(table.first_pending(), Some(MutationNumber(1)));
        let error = SyncError::new(ErrorCode::Refused, "test");
        table[x].replica.give_up(error.clone());
        assert_eq!(table.first_pending(), Some(MutationNumber(2)));
        mutate(&mut table, x, 4);
        table[y].replica.give_up(error);
        assert_eq!(table.first_pending(), Some(MutationNumber(4)));
        assert_eq!(table.pending().count(), 1);
    }

    #[test]
    fn a_diverged_attribute_keeps_its_first_error() {
        let mut table = table(None);
        let id = table.find_or_add("x");
        let [first, second] = ["first", "second"].map(|message| SyncError::new(ErrorCode::NotFound, message));
        assert!(table.set_diverged(id, first.clone()));
        assert!(!table.set_diverged(id, second));
        assert_eq!(table.divergence(id), Some(&first));
        table.clear_diverged();
        assert_eq!(table.divergence(id), None);
    }

    #[test]
    fn absent_attributes_are_evicted_but_for_those_in_use() {
        let mut table = table(None);
        let [absent, pending, referenced] = ["absent", "pending", "referenced"].map(|name| table.find_or_add(name));
        for id in [absent, pending, referenced] {
            table[id].replica.assume_absent();
        }
        mutate(&mut table, pending, 1);
        assert!(table.is_eviction_due());
        table.evict_absent([referenced].into_iter(), NOW);
        assert_eq!(table.len(), 3, "all of them are active");

        while table.pop_active().is_some() {}
        table.evict_absent([referenced].into_iter(), NOW);
        assert_eq!(table.find("absent"), None);
        assert_eq!(table.ids(), [pending, referenced]);
        assert!(!table.is_eviction_due());
        assert_eq!(table.find_or_add("new"), absent, "the id is used again");
    }

    #[test]
    fn nothing_is_evicted_where_names_are_not_listed() {
        let mut table = table(Some(&["x"]));
        for name in ["x", "y", "z"] {
            table.find_or_add(name);
        }
        assert!(!table.is_eviction_due());
    }
}
