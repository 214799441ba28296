//! The results of increments and takes, which are known when their commits are.

use super::applied_mutation::{AppliedMutation, NumberedMutation};
use super::pending::SealedCommit;
use crate::error::SyncError;
use crate::ids::MutationNumber;
use crate::mutation::{Json, Mutation, Undo};

/// The result of a mutation, or the reason why it was not applied.
pub type MutationResult = Result<ResultValue, SyncError>;

/// The result of a mutation that was applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResultValue {
    /// The number right after an increment, or the element that was taken.
    Value(Json),
    /// There was no element to take.
    Nothing,
    /// The result is unknown, because the server's reply was lost.
    Unknown,
}

/// The result of one mutation.
#[derive(Debug)]
pub struct CompletedMutation {
    /// The number of the mutation.
    pub number: MutationNumber,
    /// Whether it takes an element, and does not increment.
    pub is_take: bool,
    /// Its result.
    pub result: MutationResult,
}

/// The results that have not been collected yet.
#[derive(Debug, Default)]
pub(super) struct MutationResults {
    completed: Vec<CompletedMutation>,
}

impl MutationResults {
    pub(super) fn is_empty(&self) -> bool {
        self.completed.is_empty()
    }

    /// The server has applied the mutations of a commit: to the document that the commit was built on, or to an unknown
    /// one.
    pub(super) fn complete(&mut self, commit: &SealedCommit, is_document_known: bool) {
        for applied in commit.mutations.iter().filter(|applied| applied.mutation.has_result()) {
            let value = if is_document_known { value_of(applied) } else { ResultValue::Unknown };
            self.push(applied.number, is_take(&applied.mutation), Ok(value));
        }
    }

    /// A `take` has found nothing.
    pub(super) fn complete_with_nothing(&mut self, number: MutationNumber) {
        self.push(number, true, Ok(ResultValue::Nothing));
    }

    /// A mutation is dropped. Nothing happens unless a caller awaits its result.
    pub(super) fn fail(&mut self, number: MutationNumber, mutation: &Mutation, error: &SyncError) {
        if mutation.has_result() {
            self.push(number, is_take(mutation), Err(error.clone()));
        }
    }

    /// Mutations are dropped.
    pub(super) fn fail_all(&mut self, mutations: &[NumberedMutation], error: &SyncError) {
        for NumberedMutation { number, mutation, .. } in mutations {
            self.fail(*number, mutation, error);
        }
    }

    /// Forgets the results of mutations after `last`: their numbers are going to be used again.
    pub(super) fn discard_after(&mut self, last: MutationNumber) {
        self.completed.retain(|completed| completed.number <= last);
    }

    /// Collect the results.
    pub(super) fn collect(&mut self) -> Vec<CompletedMutation> {
        std::mem::take(&mut self.completed)
    }

    fn push(&mut self, number: MutationNumber, is_take: bool, result: MutationResult) {
        self.completed.push(CompletedMutation { number, is_take, result });
    }
}

fn is_take(mutation: &Mutation) -> bool {
    matches!(mutation, Mutation::Take { .. })
}

/// The result of a mutation that the server has applied to the document that it was applied to here.
fn value_of(applied: &AppliedMutation) -> ResultValue {
    match &applied.undo {
        Undo::Number { after, .. } => ResultValue::Value(Json(after.as_str().into())),
        Undo::Taken { element, .. } => ResultValue::Value(Json(element.to_text().into())),
        _ => ResultValue::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::ResultValue;
    use crate::document::Stored;
    use crate::error::{ErrorCode, SyncError};
    use crate::ids::Sequence;
    use crate::protocol::ContentionTerms;
    use crate::replica::Replica;
    use crate::replica::test_support::{at, loaded, mutate, send, text};

    /// A replica of `{"n":1}` with two increments in flight, of which the first is mutation 1 and adds 2.
    fn incremented() -> Replica {
        let mut replica = loaded("{\"value\":{\"n\":1},\"last_modified\":5}");
        mutate(&mut replica, 1, r#"[["increment","x",["n"],2]]"#);
        send(&mut replica, 1);
        mutate(&mut replica, 2, r#"[["increment","x",["n"],5],["set","x",[],"k",0]]"#);
        send(&mut replica, 2);
        replica
    }

    fn results(replica: &mut Replica) -> Vec<String> {
        let text = |result: super::MutationResult| match result {
            Ok(ResultValue::Value(value)) => value.0.to_string(),
            Ok(ResultValue::Nothing) => "nothing".to_owned(),
            Ok(ResultValue::Unknown) => "unknown".to_owned(),
            Err(error) => error.code.as_str().to_owned(),
        };
        let results = replica.collect_results();
        results.into_iter().map(|completed| format!("{}: {}", completed.number.0, text(completed.result))).collect()
    }

    #[test]
    fn an_acknowledged_increment_has_the_number_after_it() {
        let mut replica = incremented();
        replica.acknowledge(Sequence(2), at(2));
        assert_eq!(results(&mut replica), ["1: 3", "2: 8"]);
        assert!(results(&mut replica).is_empty(), "they are collected once");
    }

    #[test]
    fn the_number_is_unknown_where_an_earlier_form_may_have_been_applied() {
        let mut replica = incremented();
        replica.mark_replies_lost();
        replica.rebase(&Stored::Text(b"{\"value\":{\"n\":7},\"last_modified\":6}".into()), at(2));
        replica.acknowledge_duplicate(Sequence(1), at(2));
        assert_eq!(results(&mut replica), ["1: unknown"]);
    }

    #[test]
    fn a_dropped_increment_has_the_reason() {
        let mut replica = incremented();
        replica.mark_unsent_from(Sequence(1));
        replica.rebase(&Stored::Text(b"{\"value\":[],\"last_modified\":6}".into()), at(2));
        assert_eq!(results(&mut replica), ["1: ERR_NOT_FOUND", "2: ERR_NOT_FOUND"]);
        let mut replica = incremented();
        replica.reject(Sequence(2), &SyncError::new(ErrorCode::Refused, "test"), at(2));
        assert_eq!(results(&mut replica), ["2: ERR_REFUSED"]);
    }

    /// A replica of `{"q":["a","b","c"]}` with a `shift` in flight, mutation 1, and another one and a `pop`, mutations 2 and 3.
    fn taken() -> Replica {
        let mut replica = loaded("{\"value\":{\"q\":[\"a\",\"b\",\"c\"]},\"last_modified\":5}");
        mutate(&mut replica, 1, r#"[["shift","x",["q"]]]"#);
        send(&mut replica, 1);
        mutate(&mut replica, 2, r#"[["shift","x",["q"]]]"#);
        mutate(&mut replica, 3, r#"[["pop","x",["q"]]]"#);
        assert_eq!(text(&replica), r#"{"q":[]}"#);
        replica
    }

    /// Such a replica after another writer has stored this value at revision 6, with all commits in flight.
    fn taken_from(queue: &str) -> Replica {
        let mut replica = taken();
        replica.mark_unsent_from(Sequence(1));
        replica.rebase(&Stored::Text(format!("{{\"value\":{queue},\"last_modified\":6}}").as_bytes().into()), at(2));
        while replica.next_commit(at(1), ContentionTerms::default(), || Sequence(2)).is_some() {}
        replica
    }

    #[test]
    fn an_acknowledged_take_has_the_element_that_its_commit_removed() {
        let mut replica = taken();
        send(&mut replica, 2);
        replica.acknowledge(Sequence(2), at(2));
        assert_eq!(results(&mut replica), [r#"1: "a""#, r#"2: "b""#, r#"3: "c""#]);
    }

    #[test]
    fn a_take_takes_the_next_element_where_another_writer_was_first() {
        let mut replica = taken_from(r#"{"q":["b","c","d","e"]}"#);
        assert_eq!(text(&replica), r#"{"q":["d"]}"#);
        replica.acknowledge(Sequence(2), at(2));
        assert_eq!(results(&mut replica), [r#"1: "b""#, r#"2: "c""#, r#"3: "e""#]);
    }

    #[test]
    fn a_take_has_nothing_where_nothing_is_left() {
        for (queue, expected) in [
            (r#"{"q":["z"]}"#, ["2: nothing", "3: nothing", r#"1: "z""#].as_slice()),
            (r#"{"q":[]}"#, &["1: nothing", "2: nothing", "3: nothing"]),
            ("{}", &["1: nothing", "2: nothing", "3: nothing"]),
            (r#"{"q":5}"#, &["1: nothing", "2: nothing", "3: nothing"]),
        ] {
            let mut replica = taken_from(queue);
            replica.acknowledge(Sequence(1), at(2));
            assert_eq!(results(&mut replica), expected, "{queue}");
            assert_eq!(replica.first_pending(), None, "{queue}");
        }
    }

    #[test]
    fn a_take_whose_earlier_form_may_have_been_applied_has_an_unknown_result() {
        let mut replica = taken();
        replica.mark_replies_lost();
        replica.rebase(&Stored::Text(b"{\"value\":{\"q\":[\"b\"]},\"last_modified\":6}".into()), at(2));
        replica.acknowledge_duplicate(Sequence(1), at(2));
        assert_eq!(results(&mut replica), ["2: nothing", "3: nothing", "1: unknown"]);
    }

    #[test]
    fn takes_are_announced_as_the_splices_that_they_were() {
        let replica = taken();
        let announced = replica.pending.open()[0].announced_mutations();
        assert_eq!(announced, r#"[["splice","",["q"],0,1,[]],["splice","",["q"],0,1,[]]]"#);
    }
}
