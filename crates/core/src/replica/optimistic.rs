//! The optimistic document: the confirmed one with every pending mutation.

use super::applied_mutation::{AppliedMutation, NumberedMutation, unapply};
use super::change::Change;
use crate::byte_len::ByteLen;
use crate::document::{Add, List, Node};
use crate::error::{ErrorCode, SyncError};
use crate::merge;
use crate::mutation::{self, Effect, Json, Mutation, Undo};

/// The document that the host sees. It has a value, or stored bytes that are not a document, or neither.
#[derive(Debug, Default)]
pub(super) struct OptimisticDocument {
    value: Option<Node>,
    unreadable: Option<Unreadable>,
}

/// Stored bytes that are not a document.
#[derive(Debug)]
struct Unreadable {
    error: SyncError,
    /// A pending mutation replaces the bytes. They come back if that is unapplied.
    is_replaced: bool,
}

/// The state that the host saw before an operation.
pub(super) struct Snapshot {
    value: Option<Node>,
    error: Option<SyncError>,
}

impl OptimisticDocument {
    pub(super) fn new(value: Option<Node>, error: Option<SyncError>) -> Self {
        Self { value, unreadable: error.map(|error| Unreadable { error, is_replaced: false }) }
    }

    pub(super) fn value(&self) -> Option<&Node> {
        self.value.as_ref()
    }

    pub(super) fn text_len(&self) -> ByteLen {
        self.value.as_ref().map_or(ByteLen(0), Node::text_len)
    }

    /// The value, where it is a list.
    pub(super) fn list_mut(&mut self) -> Option<&mut List> {
        match &mut self.value {
            Some(Node::List(list)) => Some(list),
            _ => None,
        }
    }

    /// Why the stored bytes are not a document. None where they are one, or a pending mutation replaces them.
    pub(super) fn read_error(&self) -> Option<&SyncError> {
        self.unreadable.as_ref().filter(|unreadable| !unreadable.is_replaced).map(|unreadable| &unreadable.error)
    }

    /// The effect of a mutation, which must not make the document longer than `max_len`.
    pub(super) fn effect_of(&self, mutation: &Mutation, max_len: ByteLen, add: Add) -> Result<Effect, SyncError> {
        let replaces_all = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        match self.read_error().filter(|_| !replaces_all) {
            Some(error) => Err(error.clone()),
            None => effect_within(self.value.as_ref(), mutation, max_len, add),
        }
    }

    /// Apply a mutation that brings these values: see [`mutation::apply`].
    pub(super) fn apply(&mut self, mutation: &Mutation, values: Vec<Node>) -> Undo {
        if let Some(unreadable) = &mut self.unreadable {
            unreadable.is_replaced = true;
        }
        mutation::apply(&mut self.value, mutation, values)
    }

    /// Unapply the mutations that were applied last.
    pub(super) fn unapply(&mut self, applied: Vec<AppliedMutation>) -> Vec<NumberedMutation> {
        unapply(&mut self.value, applied)
    }

    /// No pending mutation is applied any more.
    pub(super) fn restore_unreadable(&mut self) {
        if let Some(unreadable) = &mut self.unreadable {
            unreadable.is_replaced = false;
        }
    }

    /// The server has applied the mutation that replaces unreadable bytes.
    pub(super) fn confirm_replacement(&mut self) {
        self.unreadable.take_if(|unreadable| unreadable.is_replaced);
    }

    /// Forget that the stored bytes are not a document.
    pub(super) fn forget_unreadable(&mut self) {
        self.unreadable = None;
    }

    /// Remove the value.
    pub(super) fn clear(&mut self) {
        self.value = None;
    }

    /// A snapshot to compare with later. It copies the value.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { value: self.value.clone(), error: self.read_error().cloned() }
    }

    /// A snapshot of a document that is about to be replaced.
    pub(super) fn into_snapshot(self) -> Snapshot {
        let error = self.read_error().cloned();
        Snapshot { value: self.value, error }
    }

    /// The change that leads from a snapshot to the document.
    pub(super) fn change_since(&self, Snapshot { value: old, error: old_error }: &Snapshot) -> Option<Change> {
        match (old, &self.value, self.read_error()) {
            (_, None, Some(error)) => (old_error.as_ref() != Some(error)).then(|| Change::Unreadable(error.clone())),
            (None, None, None) => old_error.as_ref().map(|_| Change::Gone),
            (Some(_), None, None) => Some(Change::Gone),
            (None, Some(new), _) => Some(Change::Loaded(Json(new.to_text().into()))),
            (Some(old), Some(new), _) => {
                let patch = merge::diff(Some(old), Some(new));
                (!patch.is_empty()).then_some(Change::Patched(patch))
            }
        }
    }

    /// The change that leads a host with another value to the document.
    pub(super) fn replacement(&self) -> Change {
        let assign = |value: &Node| Change::Patched(vec![Mutation::Assign { value: Json(value.to_text().into()) }]);
        self.value.as_ref().map_or(Change::Gone, assign)
    }

    /// The change that leads a host to the document, whatever it has.
    pub(super) fn whole(&self) -> Change {
        self.change_since(&Snapshot { value: None, error: None }).unwrap_or(Change::Gone)
    }
}

/// The effect of a mutation on a value, which must not make it longer than `max_len`. Errors: those of
/// [`effect_of`](mutation::effect_of), and [`ErrorCode::TooLarge`].
pub fn effect_within(
    value: Option<&Node>,
    mutation: &Mutation,
    max_len: ByteLen,
    add: Add,
) -> Result<Effect, SyncError> {
    let effect = mutation::effect_of(value, mutation, add)?;
    let len = effect.edit.len_after(value.map_or(ByteLen(0), Node::text_len));
    if len > max_len && ByteLen::of(&effect.edit.insert) > effect.edit.remove {
        return Err(SyncError::new(
            ErrorCode::TooLarge,
            format!(
                "the document would have {} bytes; the limit is {} (maxDocumentBytes): raise it, or split the document \
                 over several attributes",
                len.grouped(),
                max_len.grouped()
            ),
        ));
    }
    Ok(effect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::add;
    use crate::ids::MutationNumber;

    fn apply(document: &mut OptimisticDocument, mutation: Mutation) -> Result<AppliedMutation, SyncError> {
        let Effect { values, .. } = document.effect_of(&mutation, ByteLen(100), add)?;
        let undo = document.apply(&mutation, values);
        Ok(AppliedMutation { number: MutationNumber(1), mutation, undo })
    }

    fn assign(text: &str) -> Mutation {
        Mutation::Assign { value: Json(text.into()) }
    }

    #[test]
    fn unreadable_bytes_come_back_when_their_replacement_is_unapplied() {
        let error = SyncError::new(ErrorCode::Malformed, "test");
        let mut document = OptimisticDocument::new(None, Some(error.clone()));
        assert_eq!(apply(&mut document, Mutation::Clear { path: Vec::new() }).unwrap_err(), error);
        let before = document.snapshot();
        let assigned = apply(&mut document, assign("[1]")).unwrap();
        assert_eq!((document.read_error(), document.text_len()), (None, ByteLen(3)));
        assert_eq!(document.change_since(&before), Some(Change::Loaded(Json("[1]".into()))));
        document.unapply(vec![assigned]);
        document.restore_unreadable();
        assert_eq!((document.read_error(), document.change_since(&before)), (Some(&error), None));

        apply(&mut document, assign("[2]")).unwrap();
        document.confirm_replacement();
        document.restore_unreadable();
        assert_eq!(document.read_error(), None);
    }

    #[test]
    fn a_document_may_shrink_above_the_limit() {
        let mut document = OptimisticDocument::default();
        let long = assign(&format!("[{}]", "1,".repeat(60) + "1"));
        assert_eq!(apply(&mut document, long.clone()).unwrap_err().code, ErrorCode::TooLarge);
        document = OptimisticDocument::new(Some(Node::parse(&format!("[{}]", "1,".repeat(90) + "1")).unwrap()), None);
        apply(&mut document, long).unwrap();
        assert_eq!(document.text_len(), ByteLen(123));
    }
}
