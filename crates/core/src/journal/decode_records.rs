//! Records from text.

use super::{
    AttributeState, JournalledAcknowledgement, JournalledCommit, JournalledGroup, JournalledSeal, VALUE_START,
};
use crate::byte_len::ByteLen;
use crate::codec::{NamedMutation, from_text};
use crate::document::{Layout, Node};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{MutationNumber, Revision, Sequence};
use crate::mutation::Mutation;
use serde_json::value::RawValue;

/// One record.
#[derive(Debug)]
pub(super) enum Record {
    State(AttributeState),
    /// The state has no value.
    Changed {
        state: AttributeState,
        after: Option<Sequence>,
        mutations: Vec<Mutation>,
    },
    Mutation {
        name: String,
        number: MutationNumber,
        group: Option<JournalledGroup>,
        mutation: Mutation,
    },
    Sealed {
        name: String,
        seal: JournalledSeal,
        before: Option<MutationNumber>,
    },
    Acknowledged {
        name: String,
        acknowledged: JournalledAcknowledgement,
        layout: Option<Layout>,
        revision: Option<Revision>,
    },
}

const WHAT: &str = "record of the journal";

/// Decode one record, without its end. Errors: [`ErrorCode::NotSerializable`], and those of the value.
pub(super) fn decode_record(record: &str) -> Result<Record, SyncError> {
    let (head, value) = match record.split_once(VALUE_START) {
        Some((head, value)) => (head, Some(Node::parse(value)?)),
        None => (record, None),
    };
    let parts: Vec<&RawValue> = from_text(head, WHAT)?;
    let [kind, name, rest @ ..] = parts.as_slice() else { return Err(malformed()) };
    let name: String = from_text(name.get(), WHAT)?;
    match (kind.get(), rest) {
        (r#""state""#, state) => Ok(Record::State(AttributeState { value, ..state_of(name, state)? })),
        (r#""changed""#, [state @ .., after, mutations]) => {
            let mutations: Vec<&RawValue> = from_text(mutations.get(), WHAT)?;
            Ok(Record::Changed {
                state: state_of(name, state)?,
                after: number(after)?.map(Sequence),
                mutations: mutations.into_iter().map(mutation_of).collect::<Result<_, _>>()?,
            })
        }
        (r#""mutation""#, [number, group, mutation]) => Ok(Record::Mutation {
            name,
            number: MutationNumber(required(number)?),
            group: from_text::<Option<(u64, bool)>>(group.get(), WHAT)?.map(group_of),
            mutation: mutation_of(mutation)?,
        }),
        (r#""sealed""#, [sequence, revision, at_ns, before]) => Ok(Record::Sealed {
            name,
            seal: JournalledSeal {
                sequence: Sequence(required(sequence)?),
                revision: number(revision)?.map(Revision),
                at_ns: required(at_ns)?,
            },
            before: number(before)?.map(MutationNumber),
        }),
        (r#""acknowledged""#, [sequence, at_ns, layout, revision]) => Ok(Record::Acknowledged {
            name,
            acknowledged: JournalledAcknowledgement {
                sequence: Sequence(required(sequence)?),
                at_ns: required(at_ns)?,
            },
            layout: layout_of(layout)?,
            revision: number(revision)?.map(Revision),
        }),
        _ => Err(malformed()),
    }
}

/// A state without its value.
fn state_of(name: String, parts: &[&RawValue]) -> Result<AttributeState, SyncError> {
    let [layout, revision, highest, acknowledged, commits] = parts else { return Err(malformed()) };
    let acknowledged: Option<(u64, u64)> = from_text(acknowledged.get(), WHAT)?;
    let commits: Vec<CommitText<'_>> = from_text(commits.get(), WHAT)?;
    Ok(AttributeState {
        name,
        value: None,
        layout: layout_of(layout)?,
        revision: number(revision)?.map(Revision),
        highest: number(highest)?.map(Revision),
        acknowledged: acknowledged
            .map(|(sequence, at_ns)| JournalledAcknowledgement { sequence: Sequence(sequence), at_ns }),
        commits: commits.into_iter().map(commit_of).collect::<Result<_, _>>()?,
    })
}

/// The seal, the group and the numbered mutations of a commit.
type CommitText<'a> = (Option<(u64, Option<u64>, u64)>, Option<(u64, bool)>, Vec<(u64, &'a RawValue)>);

fn commit_of((seal, group, mutations): CommitText<'_>) -> Result<JournalledCommit, SyncError> {
    Ok(JournalledCommit {
        seal: seal.map(|(sequence, revision, at_ns)| JournalledSeal {
            sequence: Sequence(sequence),
            revision: revision.map(Revision),
            at_ns,
        }),
        group: group.map(group_of),
        mutations: mutations
            .into_iter()
            .map(|(number, text)| Ok((MutationNumber(number), mutation_of(text)?)))
            .collect::<Result<_, SyncError>>()?,
    })
}

fn group_of((id, is_strict): (u64, bool)) -> JournalledGroup {
    JournalledGroup { id, is_strict }
}

fn mutation_of(text: &RawValue) -> Result<Mutation, SyncError> {
    from_text::<NamedMutation>(text.get(), WHAT).map(|named| named.mutation)
}

fn layout_of(text: &RawValue) -> Result<Option<Layout>, SyncError> {
    let numbers: Option<Vec<u64>> = from_text(text.get(), WHAT)?;
    let len = |number: u64| usize::try_from(number).map(ByteLen).map_err(|_| malformed());
    match numbers.as_deref() {
        None => Ok(None),
        Some([]) => Ok(Some(Layout::Absent)),
        Some([value_len, revision, slack]) => Ok(Some(Layout::Canonical {
            value_len: len(*value_len)?,
            revision: Revision(*revision),
            slack: len(*slack)?,
        })),
        Some(_) => Err(malformed()),
    }
}

fn number(text: &RawValue) -> Result<Option<u64>, SyncError> {
    from_text(text.get(), WHAT)
}

fn required(text: &RawValue) -> Result<u64, SyncError> {
    from_text(text.get(), WHAT)
}

fn malformed() -> SyncError {
    SyncError::new(ErrorCode::NotSerializable, "a record of the journal has an unknown form")
}
