//! The in-process server decodes every command that a session encodes to the same command, and a session decodes every
//! answer that the server encodes to the same answer.

use super::decode_answer::decode_replies;
use super::decode_command::{ScriptName, ServerCommand, decode_command};
use super::encode_command::encode_command;
use super::encode_outcome::{encode_commit_outcome, encode_group_outcome};
use super::scripts::CommitForm;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Guard, Stored};
use crate::ids::{Revision, Sequence, WriterId};
use crate::protocol::{
    Announcement, Answer, Command, Commit, CommitOutcome, ContentionTerms, DEDUP_KEY_SECONDS, Group, GroupOutcome,
    GuardResult, ReservationRequest, Secret, Turn,
};
use crate::splice::{Piece, Plan, Write};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

/// Stored text, keys and JSON: anything, with the words of the protocol among it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["ttl|write|text|range|spaces|edit|set|delete|append|absent|other", any::<String>()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any::<Vec<u8>>(), text().prop_map(String::into_bytes)]
}

/// With hash tags, and with braces that are none.
fn key() -> impl Strategy<Value = String> {
    "memory:([a-zü]{1,3}:|\\{[a-z]{0,2}\\}|[{}]){0,2}[a-z]{1,3}"
}

fn guard() -> impl Strategy<Value = Guard> {
    let text = (any::<u32>(), 1..u32::MAX, bytes()).prop_map(|(len, at, tail)| Guard::Text {
        len: ByteLen(len as usize),
        at: ByteOffset(at as usize),
        tail,
    });
    prop_oneof![Just(Guard::Absent), Just(Guard::OtherType), text]
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        text().prop_map(Piece::Text),
        (0..usize::MAX >> 8, 1..usize::MAX >> 8)
            .prop_map(|(start, len)| Piece::Range { start: ByteOffset(start), len: ByteLen(len) }),
        any::<u32>().prop_map(|count| Piece::Spaces(ByteLen(count as usize))),
    ]
}

fn edit_or_set() -> impl Strategy<Value = Plan> {
    let write =
        (any::<u32>(), vec(piece(), 0..4)).prop_map(|(at, pieces)| Write { at: ByteOffset(at as usize), pieces });
    prop_oneof![text().prop_map(Plan::Set), vec(write, 0..4).prop_map(Plan::Edit)]
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![2 => edit_or_set(), 1 => Just(Plan::Delete)]
}

fn single_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![2 => plan(), 1 => text().prop_map(Plan::Append)]
}

fn reservation() -> impl Strategy<Value = ReservationRequest> {
    prop_oneof![
        Just(ReservationRequest::None),
        any::<u32>().prop_map(ReservationRequest::IfReserved),
        any::<u32>().prop_map(ReservationRequest::IfStale),
    ]
}

fn terms() -> impl Strategy<Value = ContentionTerms> {
    (any::<u32>(), reservation())
        .prop_map(|(limit, reservation)| ContentionTerms { text_limit: ByteLen(limit as usize), reservation })
}

/// `is_single`: the commit is not one of a group.
fn commit(plan: impl Strategy<Value = Plan>, is_announced: bool, is_single: bool) -> impl Strategy<Value = Commit> {
    let ids = (key(), "[a-z0-9]{8,12}", any::<u64>(), option::of(any::<u64>()), any::<bool>(), any::<u32>());
    let announcement =
        (any::<u64>(), text()).prop_map(|(base, mutations)| Announcement { base: Revision(base), mutations });
    let times = (0..u64::MAX, option::of(any::<u64>()), option::of(any::<u32>()));
    let terms = if is_single { terms().boxed() } else { Just(ContentionTerms::default()).boxed() };
    (ids, guard(), plan, times, announcement, terms).prop_map(move |(ids, guard, plan, times, announcement, terms)| {
        let (key, writer, sequence, after, needs_dedup_key, dedup_key_seconds) = ids;
        // A deletion has neither a revision nor a lifetime.
        let (revision, ttl_ms, max_entries) = times;
        let (revision, ttl_ms) = if plan == Plan::Delete { (0, None) } else { (revision, ttl_ms) };
        Commit {
            key,
            writer: WriterId(writer.as_str().into()),
            sequence: Sequence(sequence),
            after: after.map(Sequence),
            needs_dedup_key: needs_dedup_key && after.is_none(),
            dedup_key_seconds,
            guard,
            plan,
            revision: Revision(revision),
            ttl_ms,
            names_key: None,
            announcement: is_announced.then_some(announcement),
            max_entries,
            terms,
        }
    })
}

/// Commits of one memory: announced on one channel, or not at all.
fn group() -> impl Strategy<Value = Group> {
    let commits = any::<bool>()
        .prop_flat_map(|is_announced| (Just(is_announced), vec(commit(plan(), is_announced, false), 0..4)));
    let names = option::of(guard()).prop_map(|log| log.map(|log| ("sm:{memory:}:names".to_owned(), log)));
    let terms = ("[a-z0-9]{8,12}", reservation(), option::of(key()));
    (commits, vec((key(), guard()), 0..3), names, terms).prop_map(
        |((is_announced, mut commits), checks, names, (writer, reservation, mark_key))| {
            let writer = WriterId(writer.as_str().into());
            for commit in &mut commits {
                commit.writer = writer.clone();
                let is_noted = (commit.guard == Guard::Absent) != (commit.plan == Plan::Delete);
                commit.names_key = names.as_ref().filter(|_| is_noted).map(|(key, _)| key.clone());
                (commit.after, commit.needs_dedup_key, commit.dedup_key_seconds) = (None, false, DEDUP_KEY_SECONDS);
            }
            let is_announced = is_announced && commits.len() + checks.len() > 0;
            let channels: Vec<_> = commits.iter().map(|commit| super::channel(&commit.key)).collect();
            let mut channels = channels.iter();
            let first = channels.next();
            commits.retain(|commit| first.is_some_and(|first| super::channel(&commit.key) == *first));
            Group {
                commits: commits.into_iter().map(Arc::new).collect(),
                checks,
                names,
                is_announced,
                writer,
                reservation,
                mark_key: mark_key.and_then(|key| super::group_mark_key(&key, &key, true)),
            }
        },
    )
}

fn secret() -> impl Strategy<Value = Secret> {
    "[0-9a-f]{32}".prop_map(|text| Secret::new(&text))
}

fn stored() -> impl Strategy<Value = Stored> {
    let too_long = (any::<usize>(), bytes()).prop_map(|(len, end)| Stored::too_long_with_end(ByteLen(len), end));
    prop_oneof![Just(Stored::Absent), Just(Stored::OtherType), bytes().prop_map(Stored::Text), too_long]
}

fn commit_outcome() -> impl Strategy<Value = CommitOutcome> {
    prop_oneof![
        Just(CommitOutcome::Applied),
        Just(CommitOutcome::Duplicate),
        any::<u64>().prop_map(|revision| CommitOutcome::Appended { revision: Revision(revision) }),
        (option::of(stored()), any::<bool>())
            .prop_map(|(stored, dedup_key_present)| CommitOutcome::Stale { stored, dedup_key_present }),
        (any::<u32>(), bytes(), any::<bool>()).prop_map(|(len, bytes, dedup_key_present)| {
            CommitOutcome::StaleTail { len: ByteLen(len as usize), bytes, dedup_key_present }
        }),
        turn().prop_map(CommitOutcome::Reserved),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    any::<(u32, u32)>().prop_map(|(remaining_ms, writers_ahead)| Turn { remaining_ms, writers_ahead })
}

fn group_outcome(group: &Group) -> impl Strategy<Value = GroupOutcome> + use<> {
    let documents = group.commits.len() + group.checks.len();
    let result = (option::of(stored()), any::<bool>())
        .prop_map(|(stored, dedup_key_present)| GuardResult { stored, dedup_key_present });
    let stale = vec(result, group.guard_count()).prop_map(GroupOutcome::Stale);
    let reserved = vec(turn(), documents).prop_map(GroupOutcome::Reserved);
    prop_oneof![Just(GroupOutcome::Applied), Just(GroupOutcome::Duplicate), stale, reserved]
}

fn decode_script(command: &Command, in_full: bool) -> ServerCommand {
    let encoded = encode_command(command, CommitForm::Standard, in_full);
    let [encoded] = encoded.as_slice() else { panic!("a script is one command") };
    decode_command(encoded).unwrap()
}

proptest! {
    #[test]
    fn a_commit_is_decoded_as_it_was_encoded(
        commit in any::<bool>().prop_flat_map(|is_announced| commit(single_plan(), is_announced, true)),
        in_full: bool,
        secret in option::of(secret()),
    ) {
        let secret = secret.filter(|_| commit.announcement.is_some());
        let command = Command::Commit(commit.into(), secret);
        let decoded = decode_script(&command, in_full);
        let script = ScriptName::Commit;
        prop_assert_eq!(decoded, ServerCommand::RunScript { script, is_named_by_sha: !in_full, command });
    }

    #[test]
    fn a_group_is_decoded_as_it_was_encoded(group in group(), in_full: bool, secret in option::of(secret())) {
        let secret = secret.filter(|_| group.commits.iter().any(|commit| commit.announcement.is_some()));
        let command = Command::Group(group.into(), secret);
        let decoded = decode_script(&command, in_full);
        let script = ScriptName::Group;
        prop_assert_eq!(decoded, ServerCommand::RunScript { script, is_named_by_sha: !in_full, command });
    }

    #[test]
    fn the_outcome_of_a_commit_is_read_as_it_was_encoded(
        commit in commit(single_plan(), true, true),
        outcome in commit_outcome(),
    ) {
        let replies = vec![encode_commit_outcome(&outcome)];
        prop_assert_eq!(decode_replies(&Command::Commit(commit.into(), None), replies), Answer::Committed(outcome));
    }

    #[test]
    fn the_outcome_of_a_group_is_read_as_it_was_encoded(
        (group, outcome) in group().prop_flat_map(|group| {
            let outcome = group_outcome(&group);
            (Just(group), outcome)
        }),
    ) {
        let replies = vec![encode_group_outcome(&outcome)];
        prop_assert_eq!(decode_replies(&Command::Group(group.into(), None), replies), Answer::Grouped(outcome));
    }

    #[test]
    fn arguments_of_no_session_are_refused(mut arguments in vec(bytes(), 0..20), group: bool) {
        let form = CommitForm::Standard;
        let script = if group { form.group_script() } else { form.commit_script() }.text;
        arguments.splice(0..0, [b"EVAL".to_vec(), script.into()]);
        prop_assert!(decode_command(&arguments).unwrap_err().starts_with("ERR "));
    }
}

#[test]
fn names_are_asked_for_by_a_literal_prefix() {
    let prefix = "m[1]*?:^\\".to_owned();
    let names = Command::Names { prefix: prefix.clone(), cursor: ">m".into() };
    let scan = ServerCommand::Scan { cursor: ">m".into(), prefix };
    assert_eq!(decode_command(&encode_command(&names, CommitForm::Standard, false)[0]), Ok(scan));
    for pattern in ["m?*", "m[a]*", "m**", "m", "m\\*"] {
        let scan = ["SCAN", "0", "MATCH", pattern].map(|argument| argument.as_bytes().to_vec());
        assert!(decode_command(&scan).is_err(), "{pattern}");
    }
}
