//! The attributes of a session by name and by number, and which of them have something to do.

use super::Now;
use super::attribute::Attribute;
use crate::numbered::Numbered;
use crate::replica::Replica;
use compact_str::CompactString;
use std::collections::{HashMap, VecDeque};
use std::ops::{Index, IndexMut};

/// Names an attribute within its session, as long as it is not forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id(u32);

#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// By number. Those that were forgotten have no name.
    all: Vec<Attribute>,
    ids: HashMap<CompactString, u32>,
    forgotten: Vec<Id>,
    /// Those that may have something to send.
    active: VecDeque<Id>,
    /// Those with pending mutations, by the number of the oldest of them, or of an older one that was.
    pending: Numbered<Id>,
}

impl Attributes {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn ids(&self) -> Vec<Id> {
        let all = (0..).zip(&self.all);
        all.filter(|(_, attribute)| !attribute.name.is_empty()).map(|(id, _)| Id(id)).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<Id> {
        self.ids.get(name).copied().map(Id)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.find(name).map(|id| &self[id])
    }

    /// Add one whose name is new.
    pub(super) fn add(&mut self, name: &str, replica: Replica) -> Id {
        let attribute = Attribute::new(name.to_owned(), replica);
        let id = if let Some(id) = self.forgotten.pop() {
            self[id] = attribute;
            id
        } else {
            self.all.push(attribute);
            Id(u32::try_from(self.all.len() - 1).expect("memory ends before numbers do"))
        };
        self.ids.insert(name.into(), id.0);
        self.activate(id);
        id
    }

    /// Forget those that are not there, but for the active.
    pub(super) fn forget_absent(&mut self, now: Now) {
        for (id, attribute) in (0..).zip(&mut self.all) {
            if !attribute.is_active && attribute.is_forgettable(now) {
                self.ids.remove(attribute.name.as_str());
                attribute.name.clear();
                self.forgotten.push(Id(id));
            }
        }
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

    /// It has a pending mutation, the last that was made.
    pub(super) fn expect_settling(&mut self, id: Id, number: u64) {
        if !std::mem::replace(&mut self[id].is_pending, true) {
            self.pending.add(number, id);
        }
    }

    /// Those with pending mutations.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Attribute> {
        self.pending.values().map(|id| &self[*id])
    }

    /// The number of the oldest mutation that is neither acknowledged nor given up. However many attributes there are, it costs
    /// what has been settled since it was asked last.
    pub(super) fn first_pending(&mut self) -> Option<u64> {
        loop {
            let number = self.pending.first_number()?;
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
