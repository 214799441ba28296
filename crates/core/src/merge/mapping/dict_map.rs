//! The mapping of the values of a dict by key, and the transformation of a `clear`.

use super::Mapping;
use crate::document::Dict;
use crate::mutation::{Mutation, Path};
use compact_str::CompactString;
use std::collections::HashMap;

/// A dict that is in both documents.
#[derive(Debug)]
pub(in crate::merge) struct DictMap<'a> {
    old: &'a Dict,
    new: &'a Dict,
    /// The mappings that were opened so far, one for each key that a pending mutation used.
    opened: Vec<Mapping<'a>>,
    /// The index in `opened` of each of those keys.
    opened_keys: HashMap<CompactString, usize>,
}

impl<'a> DictMap<'a> {
    pub(super) fn new(old: &'a Dict, new: &'a Dict) -> Self {
        Self { old, new, opened: Vec::new(), opened_keys: HashMap::new() }
    }

    /// The mapping of a key's value.
    pub(in crate::merge) fn value(&mut self, key: &CompactString) -> &mut Mapping<'a> {
        let index = self.opened_keys.get(key).copied().unwrap_or_else(|| {
            self.opened_keys.insert(key.clone(), self.opened.len());
            self.opened.push(Mapping::between(self.old.get(key), self.new.get(key)));
            self.opened.len() - 1
        });
        &mut self.opened[index]
    }

    /// Transforms a `clear`: it removes the keys that its writer knew, not those that others have added since.
    pub(in crate::merge) fn clear(&mut self, path: &Path) -> Vec<Mutation> {
        let is_old = |key: &CompactString| self.old.position(key).is_some() || self.opened_keys.contains_key(key);
        let mutations = if self.new.iter().all(|(key, _)| is_old(key)) {
            vec![Mutation::Clear { path: path.clone() }]
        } else {
            let added = self.opened_keys.keys().filter(|key| self.old.position(key).is_none());
            let mut keys: Vec<&CompactString> = self.old.iter().map(|(key, _)| key).chain(added).collect();
            // The order of a hash map is not the same in every process.
            keys.sort_unstable();
            keys.into_iter().map(|key| Mutation::Unset { path: path.clone(), key: key.clone() }).collect()
        };
        // Opens a mapping for every old key, so that each becomes absent.
        for (key, _) in self.old.iter() {
            self.value(key);
        }
        self.opened.fill_with(|| Mapping::Absent);
        mutations
    }
}
