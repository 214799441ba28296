//! The history of a queue that all clients fill and take elements from, and its invariant: each element is given to one client.

use crate::failure::{Check, ensure, fail};
use crate::model_value::ModelValue;
use crate::session_record::MutationId;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct QueueRecord {
    /// The mutation that added each element.
    added: BTreeMap<String, MutationId>,
    /// The takes that have no known result: they were not completed, or the reply with the result was lost.
    without_result: BTreeSet<MutationId>,
    takes: BTreeSet<MutationId>,
    /// The take that was given each element.
    given: BTreeMap<String, MutationId>,
}

impl QueueRecord {
    pub(crate) fn record_added(&mut self, element: String, mutation_id: MutationId) {
        self.added.insert(element, mutation_id);
    }

    pub(crate) fn record_take(&mut self, mutation_id: MutationId) {
        self.takes.insert(mutation_id);
        self.without_result.insert(mutation_id);
    }

    pub(crate) fn is_take(&self, mutation_id: MutationId) -> bool {
        self.takes.contains(&mutation_id)
    }

    /// Records the result of a take: the element, if there was one. `is_uncertain` tells whether the take may have removed
    /// an element that is unknown.
    pub(crate) fn record_result(
        &mut self,
        mutation_id: MutationId,
        element: Option<&str>,
        is_uncertain: bool,
    ) -> Check {
        if is_uncertain {
            return Ok(());
        }
        ensure(self.without_result.remove(&mutation_id), "taken", || format!("{mutation_id:?} has two results"))?;
        let Some(element) = element else { return Ok(()) };
        ensure(self.added.contains_key(element), "taken", || format!("{element} was given away and never added"))?;
        match self.given.insert(element.to_owned(), mutation_id) {
            Some(other) => fail("taken", format!("{element} was given to {other:?} and to {mutation_id:?}")),
            None => Ok(()),
        }
    }

    /// Checks the elements that are stored at the end. `must_be_stored` tells whether a mutation must have been applied.
    pub(crate) fn check(&self, queue: Option<&ModelValue>, must_be_stored: impl Fn(MutationId) -> bool) -> Check {
        let stored: Vec<&str> = queue.map_or(&[][..], ModelValue::items).iter().map(ModelValue::plain).collect();
        for element in &stored {
            let count = stored.iter().filter(|other| *other == element).count();
            let is_known = self.added.contains_key(*element);
            ensure(is_known && count == 1 && !self.given.contains_key(*element), "taken", || {
                format!(
                    "{element} is stored {count} times, was added: {is_known}, given to {:?}",
                    self.given.get(*element)
                )
            })?;
        }
        let is_missing = |(element, added): &(&String, &MutationId)| {
            must_be_stored(**added) && !self.given.contains_key(*element) && !stored.contains(&element.as_str())
        };
        let missing: Vec<_> = self.added.iter().filter(is_missing).collect();
        ensure(missing.len() <= self.without_result.len(), "taken", || {
            format!("{missing:?} are gone, and only {:?} have no result", self.without_result)
        })
    }
}
