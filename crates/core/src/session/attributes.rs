//! The attributes of a session by name and by number, and which of them have something to do.

use super::attribute::Attribute;
use crate::replica::Replica;
use compact_str::CompactString;
use std::collections::{HashMap, VecDeque};
use std::ops::{Index, IndexMut};

/// Names an attribute within its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id(u32);

/// They come and do not go.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    all: Vec<Attribute>,
    ids: HashMap<CompactString, u32>,
    /// Those that may have something to send.
    active: VecDeque<Id>,
    /// Those with pending mutations.
    pending: Vec<Id>,
}

impl Attributes {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..).take(self.all.len()).map(Id)
    }

    pub(super) fn find(&self, name: &str) -> Option<Id> {
        self.ids.get(name).copied().map(Id)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.find(name).map(|id| &self[id])
    }

    /// Add one whose name is new.
    pub(super) fn add(&mut self, name: &str, replica: Replica) -> Id {
        let id = u32::try_from(self.all.len()).expect("memory ends before numbers do");
        self.all.push(Attribute::new(name.to_owned(), replica));
        self.ids.insert(name.into(), id);
        self.activate(Id(id));
        Id(id)
    }

    /// It may have something to send.
    pub(super) fn activate(&mut self, id: Id) {
        if !std::mem::replace(&mut self[id].is_active, true) {
            self.active.push_back(id);
        }
    }

    pub(super) fn next_active(&mut self) -> Option<Id> {
        let id = self.active.pop_front()?;
        self[id].is_active = false;
        Some(id)
    }

    /// It has pending mutations.
    pub(super) fn expect_settling(&mut self, id: Id) {
        if !std::mem::replace(&mut self[id].is_pending, true) {
            self.pending.push(id);
        }
    }

    /// Those with pending mutations.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Attribute> {
        self.pending.iter().map(|id| &self[*id])
    }

    /// The number of the oldest mutation that is neither acknowledged nor given up.
    pub(super) fn first_pending(&self) -> Option<u64> {
        self.pending().filter_map(|attribute| attribute.replica.first_pending()).min()
    }

    /// Forget which had pending mutations and have none any more.
    pub(super) fn forget_settled(&mut self) {
        let all = &mut self.all;
        self.pending.retain(|id| {
            let attribute = &mut all[id.0 as usize];
            attribute.is_pending = attribute.replica.first_pending().is_some();
            attribute.is_pending
        });
    }
}

impl Index<Id> for Attributes {
    type Output = Attribute;

    fn index(&self, id: Id) -> &Attribute {
        &self.all[id.0 as usize]
    }
}

impl IndexMut<Id> for Attributes {
    fn index_mut(&mut self, id: Id) -> &mut Attribute {
        &mut self.all[id.0 as usize]
    }
}
