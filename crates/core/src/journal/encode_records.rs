//! Records as text.

use super::{AttributeState, JournalledAcknowledgement, JournalledGroup, JournalledSeal, RECORD_END, VALUE_START};
use crate::codec::encode_mutation;
use crate::document::{Layout, quoted};
use crate::ids::{MutationNumber, Revision, Sequence};
use crate::mutation::Mutation;

/// A commit that was sealed.
pub(crate) struct Sealed {
    pub(crate) seal: JournalledSeal,
    /// The first mutation that is not part of it; None where there is none.
    pub(crate) before: Option<MutationNumber>,
}

/// Append the record of a state to `out`.
pub(crate) fn encode_state(state: &AttributeState, out: &mut String) {
    begin("state", &state.name, out);
    push_state(state, out);
    out.push(']');
    if let Some(value) = &state.value {
        out.push(VALUE_START);
        value.print(out);
    }
    out.push(RECORD_END);
}

/// Append the record of a state whose value is the one of all earlier records, up to the acknowledgement of the commit with
/// sequence `after`, and changed by `mutations` since.
pub(crate) fn encode_changed(
    state: &AttributeState,
    after: Option<Sequence>,
    mutations: &[Mutation],
    out: &mut String,
) {
    begin("changed", &state.name, out);
    push_state(state, out);
    push_number(after.map(|after| after.0), out);
    out.push_str(",[");
    for (index, mutation) in mutations.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        encode_mutation("", mutation, out);
    }
    out.push(']');
    end(out);
}

/// Everything of a state but its name and its value.
fn push_state(state: &AttributeState, out: &mut String) {
    let AttributeState { layout, revision, highest, acknowledged, commits, .. } = state;
    push_layout(layout.as_ref(), out);
    push_number(revision.map(|revision| revision.0), out);
    push_number(highest.map(|revision| revision.0), out);
    match acknowledged {
        None => out.push_str(",null"),
        Some(JournalledAcknowledgement { sequence, at_ns }) => {
            out.push_str(",[");
            push_digits(sequence.0, out);
            push_number(Some(*at_ns), out);
            out.push(']');
        }
    }
    out.push_str(",[");
    for (index, commit) in commits.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ",[" });
        match &commit.seal {
            None => out.push_str("null"),
            Some(JournalledSeal { sequence, revision, at_ns }) => {
                out.push('[');
                push_digits(sequence.0, out);
                push_number(revision.map(|revision| revision.0), out);
                push_number(Some(*at_ns), out);
                out.push(']');
            }
        }
        push_group(commit.group, out);
        out.push_str(",[");
        for (index, (number, mutation)) in commit.mutations.iter().enumerate() {
            out.push_str(if index == 0 { "[" } else { ",[" });
            push_digits(number.0, out);
            out.push(',');
            encode_mutation("", mutation, out);
            out.push(']');
        }
        out.push_str("]]");
    }
    out.push(']');
}

/// Append the record of a mutation to `out`.
pub(crate) fn encode_mutation_record(
    name: &str,
    number: MutationNumber,
    group: Option<JournalledGroup>,
    mutation: &Mutation,
    out: &mut String,
) {
    begin("mutation", name, out);
    push_number(Some(number.0), out);
    push_group(group, out);
    out.push(',');
    encode_mutation("", mutation, out);
    end(out);
}

/// Append the record that a commit was sealed to `out`.
pub(crate) fn encode_sealed(name: &str, Sealed { seal, before }: &Sealed, out: &mut String) {
    begin("sealed", name, out);
    push_number(Some(seal.sequence.0), out);
    push_number(seal.revision.map(|revision| revision.0), out);
    push_number(Some(seal.at_ns), out);
    push_number(before.map(|number| number.0), out);
    end(out);
}

/// Append the record of an acknowledgement to `out`. `layout` is None where it is unknown what the commit was applied to.
pub(crate) fn encode_acknowledged(
    name: &str,
    JournalledAcknowledgement { sequence, at_ns }: JournalledAcknowledgement,
    layout: Option<&Layout>,
    revision: Option<Revision>,
    out: &mut String,
) {
    begin("acknowledged", name, out);
    let Sequence(sequence) = sequence;
    push_number(Some(sequence), out);
    push_number(Some(at_ns), out);
    push_layout(layout, out);
    push_number(revision.map(|revision| revision.0), out);
    end(out);
}

fn begin(kind: &str, name: &str, out: &mut String) {
    out.push_str("[\"");
    out.push_str(kind);
    out.push_str("\",");
    out.push_str(&quoted(name));
}

fn end(out: &mut String) {
    out.push(']');
    out.push(RECORD_END);
}

fn push_number(number: Option<u64>, out: &mut String) {
    out.push(',');
    match number {
        None => out.push_str("null"),
        Some(number) => push_digits(number, out),
    }
}

fn push_digits(number: u64, out: &mut String) {
    out.push_str(&number.to_string());
}

/// The layout of a text that is not canonical counts as unknown: such a text is read again before it is changed.
fn push_layout(layout: Option<&Layout>, out: &mut String) {
    match layout {
        Some(Layout::Absent) => out.push_str(",[]"),
        Some(Layout::Canonical { value_len, revision, slack }) => {
            out.push_str(",[");
            push_digits(value_len.0 as u64, out);
            push_number(Some(revision.0), out);
            push_number(Some(slack.0 as u64), out);
            out.push(']');
        }
        None | Some(Layout::OtherType | Layout::Foreign { .. }) => out.push_str(",null"),
    }
}

fn push_group(group: Option<JournalledGroup>, out: &mut String) {
    match group {
        None => out.push_str(",null"),
        Some(JournalledGroup { id, is_strict }) => {
            out.push_str(",[");
            push_digits(id, out);
            out.push_str(if is_strict { ",true]" } else { ",false]" });
        }
    }
}
