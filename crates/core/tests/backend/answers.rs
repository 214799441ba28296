//! What every backend must answer, whatever is behind it. Included by the tests of each.

use std::sync::Arc;
use synced_memory_core::backend::changed_keys;
use synced_memory_core::command::{Answer, Command, Commit, Found, Group, GroupOutcome, Lifetime, Outcome, Probed};
use synced_memory_core::document::{Guard, Stored};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::splice::{Piece, Plan, Write};

const KEY: &str = "memory:tasks";

/// Something that executes commands.
pub(crate) type Backend<'a> = dyn FnMut(&Command) -> Answer + 'a;

/// Each wants a fresh backend.
pub(crate) const RULES: [fn(&mut Backend<'_>); 14] = [
    absent,
    idempotent,
    guarded,
    built_on_predecessor,
    ranges_are_of_the_old_text,
    deleted,
    appended_where_expected,
    appended_elsewhere,
    appended_behind_slack,
    not_appended_to_what_is_no_list,
    appends_are_made_once,
    revisions_of_appends_grow,
    expiring,
    grouped,
];

fn absent(backend: &mut Backend<'_>) {
    assert_eq!(backend(&load()), Answer::Loaded(Stored::Absent));
    assert_eq!(backend(&probe(10, 10)), Answer::Probed(Probed::Absent));
    let edit = commit(1, text_guard("x"), Plan::Edit(vec![]));
    let stored = Some(Stored::Absent);
    assert_eq!(backend(&edit), Answer::Committed(Outcome::Stale { stored, remembers: false }));
}

fn idempotent(backend: &mut Backend<'_>) {
    let first = commit(1, Guard::Absent, set("one"));
    assert_eq!(backend(&first), applied());
    assert_eq!(changed_keys(&first, &applied()), [KEY]);
    assert_eq!(backend(&first), Answer::Committed(Outcome::Duplicate));
    assert_eq!(changed_keys(&first, &Answer::Committed(Outcome::Duplicate)), [] as [&str; 0]);
    assert_eq!(backend(&commit(5, text_guard("one"), set("five"))), applied());
    assert_eq!(backend(&commit(4, text_guard("five"), set("four"))), Answer::Committed(Outcome::Duplicate));
    // Another writer counts for itself, and is not remembered before it has written.
    let early = with(&commit(1, Guard::Absent, set("early")), |commit| commit.writer = WriterId("b".into()));
    let stored = Some(text("five"));
    assert_eq!(backend(&early), Answer::Committed(Outcome::Stale { stored, remembers: false }));
    let other = with(&commit(1, text_guard("five"), set("other")), |commit| commit.writer = WriterId("b".into()));
    assert_eq!(backend(&other), applied());
    assert_eq!(backend(&load()), loaded("other"));
}

fn guarded(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set("hello")));
    for guard in [
        Guard::Absent,
        Guard::OtherType,
        text_guard("hell"),
        text_guard("hullo"),
        Guard::Text { len: 5, at: 4, tail: b"oo".to_vec() },
        Guard::Text { len: 6, at: 3, tail: b"lo".to_vec() },
        Guard::Text { len: 5, at: 1 << 30, tail: b"lo".to_vec() },
    ] {
        assert_eq!(backend(&commit(2, guard, set("no"))), stale(Some(text("hello"))));
    }
    let tail = Guard::Text { len: 5, at: 3, tail: b"lo".to_vec() };
    assert_eq!(backend(&commit(2, tail, set("yes"))), applied());
    assert_eq!(backend(&load()), loaded("yes"));
}

fn built_on_predecessor(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set("one")));
    let third = with(&commit(3, text_guard("two"), set("three")), |commit| commit.after = Some(Sequence(2)));
    // Its predecessor was not applied, or something came between: whoever sent it knows from the predecessor.
    assert_eq!(backend(&third), stale(None));
    assert_eq!(backend(&commit(2, text_guard("one"), set("two"))), applied());
    let misfit = with(&third, |commit| commit.guard = text_guard("2"));
    assert_eq!(backend(&misfit), stale(None));
    assert_eq!(backend(&third), applied());
    assert_eq!(backend(&load()), loaded("three"));
}

fn ranges_are_of_the_old_text(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set("0123456789")));
    let write = |at, pieces| Write { at, pieces };
    let plan = Plan::Edit(vec![
        write(0, vec![Piece::Text("ab".into()), Piece::Range { start: 8, len: 2 }]),
        write(6, vec![Piece::Range { start: 0, len: 3 }, Piece::Text("ü".into()), Piece::Spaces(3)]),
    ]);
    assert_eq!(backend(&commit(2, text_guard("0123456789"), plan)), applied());
    assert_eq!(backend(&load()), loaded("ab8945012ü   "));
    for (before_end, len, bytes) in [(5, 5, "ü   "), (1, 1, " "), (14, 3, "ab8"), (20, 8, "ab"), (20, 5, "a")] {
        let probed = Probed::Text { len: 14, bytes: bytes.as_bytes().to_vec() };
        assert_eq!(backend(&probe(before_end, len)), Answer::Probed(probed));
    }
}

fn deleted(backend: &mut Backend<'_>) {
    assert_eq!(backend(&commit(1, Guard::Absent, Plan::Delete)), applied());
    backend(&commit(2, Guard::Absent, set("x")));
    assert_eq!(backend(&commit(3, text_guard("x"), Plan::Delete)), applied());
    assert_eq!(backend(&load()), Answer::Loaded(Stored::Absent));
    assert_eq!(backend(&commit(3, text_guard("x"), Plan::Delete)), Answer::Committed(Outcome::Duplicate));
    assert_eq!(backend(&commit(4, Guard::Absent, set("y"))), applied());
    assert_eq!(backend(&load()), loaded("y"));
}

fn appended_where_expected(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set(&list("", 1))));
    assert_eq!(backend(&commit(2, list_guard("", 1), append("7"))), applied());
    assert_eq!(backend(&load()), loaded(&list("7", 2)));
    assert_eq!(backend(&commit(3, list_guard("7", 2), append("8,\"ü\""))), applied());
    assert_eq!(backend(&load()), loaded(&list("7,8,\"ü\"", 3)));
    let bytes = list("7,8,\"ü\"", 3).as_bytes()[12..].to_vec();
    assert_eq!(backend(&tail(12)), Answer::Tail { appends: Some((Revision(1), Revision(3))), bytes });
}

fn appended_elsewhere(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set(&list("1", 1))));
    backend(&by_b(&commit(2, list_guard("1", 1), append("2"))));
    let elsewhere = commit(3, list_guard("1", 1), append("3"));
    assert_eq!(changed_keys(&elsewhere, &appended(4)), [KEY]);
    assert_eq!(backend(&elsewhere), appended(4));
    assert_eq!(backend(&load()), loaded(&list("1,2,3", 4)));
    let bytes = list("1,2,3", 4).into_bytes();
    assert_eq!(backend(&tail(0)), Answer::Tail { appends: Some((Revision(1), Revision(4))), bytes });
    // Whatever else is done begins a new run.
    backend(&by_b(&commit(5, list_guard("1,2,3", 4), set(&list("", 5)))));
    assert_eq!(backend(&commit(6, list_guard("1,2,3", 4), append("9"))), appended(7));
    let bytes = list("9", 7).into_bytes();
    assert_eq!(backend(&tail(0)), Answer::Tail { appends: Some((Revision(5), Revision(7))), bytes });
}

fn appended_behind_slack(backend: &mut Backend<'_>) {
    for (sequence, spaces) in [(1, 1), (11, 63), (21, 64), (31, 1000)] {
        backend(&commit(sequence, Guard::Absent, Plan::Delete));
        let long = list("1", sequence) + &" ".repeat(spaces);
        backend(&commit(sequence + 1, Guard::Absent, set(&long)));
        let append = commit(sequence + 2, list_guard("[0,0]", sequence), append("2"));
        assert_eq!(backend(&append), appended(sequence + 3));
        let Answer::Loaded(Stored::Text(text)) = backend(&load()) else { panic!("nothing stored") };
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.trim_end(), list("1,2", sequence + 3));
        assert_eq!(text.len(), long.len().max(text.trim_end().len()), "only spaces are written over");
        backend(&commit(sequence + 4, text_guard(&text), Plan::Delete));
    }
}

fn not_appended_to_what_is_no_list(backend: &mut Backend<'_>) {
    let elsewhere = |sequence| commit(sequence, list_guard("1", 1), append("2"));
    let nothing = Answer::Committed(Outcome::Stale { stored: Some(Stored::Absent), remembers: false });
    assert_eq!(backend(&elsewhere(1)), nothing);
    let mut before = None;
    for (sequence, other) in (2..).step_by(2).zip([
        r#"{"value":{"a":[1]},"last_modified":5}"#,
        r#"{"value":"[]","last_modified":5}"#,
        r#"{"value":[1], "last_modified":5}"#,
        r#"{"value": [1],"last_modified":5}"#,
        r#"{"value":[1],"last_modified":5.5}"#,
        r#"{"value":[1],"last_modified":12345678901234567890}"#,
        r#"{"value":[1],"last_modified":5}}"#,
        r#"{"value":[1],"last_modified":5}x "#,
        r#"[1],"last_modified":5}"#,
        "",
    ]) {
        let guard = before.map_or(Guard::Absent, text_guard);
        assert_eq!(backend(&commit(sequence, guard, set(other))), applied());
        assert_eq!(backend(&elsewhere(sequence + 1)), stale(Some(text(other))), "{other}");
        before = Some(other);
    }
}

fn appends_are_made_once(backend: &mut Backend<'_>) {
    backend(&commit(1, Guard::Absent, set(&list("1", 1))));
    let elsewhere = commit(2, list_guard("", 0), append("2"));
    assert_eq!(backend(&elsewhere), appended(3));
    assert_eq!(backend(&elsewhere), Answer::Committed(Outcome::Duplicate));
    // Nothing is applied before its predecessor, wherever it would fit.
    let fourth = with(&commit(4, list_guard("1,2", 3), append("4")), |commit| commit.after = Some(Sequence(3)));
    assert_eq!(backend(&fourth), stale(None));
    assert_eq!(backend(&commit(3, list_guard("1,2", 3), append("3"))), applied());
    assert_eq!(backend(&fourth), appended(5));
    assert_eq!(backend(&load()), loaded(&list("1,2,3,4", 5)));
}

fn revisions_of_appends_grow(backend: &mut Backend<'_>) {
    let mut stored: Option<String> = None;
    for (sequence, (there, then)) in (1..).step_by(2).zip([
        (9, 10),
        (99, 100),
        (1_299, 1_300),
        (9_007_199_254_740_993, 9_007_199_254_740_994),
        (999_999_999_999_999_999, 1_000_000_000_000_000_000),
        (9_999_999_999_999_999_998, 9_999_999_999_999_999_999),
    ]) {
        let guard = stored.as_deref().map_or(Guard::Absent, text_guard);
        assert_eq!(backend(&commit(sequence, guard, set(&list("0", there)))), applied());
        let small = with(&commit(sequence + 1, list_guard("", 0), append("1")), |commit| commit.revision = Revision(3));
        assert_eq!(backend(&small), appended(then));
        assert_eq!(backend(&load()), loaded(&list("0,1", then)));
        stored = Some(list("0,1", then));
    }
    // Never what was planned: another writer may have planned the same.
    let great = with(&commit(100, list_guard("", 0), append("2")), |commit| commit.revision = Revision(u64::MAX / 2));
    backend(&commit(99, text_guard(&stored.unwrap()), set(&list("", 7))));
    assert_eq!(backend(&great), appended(u64::MAX / 2 + 1));
}

fn expiring(backend: &mut Backend<'_>) {
    let key = || KEY.to_owned();
    let left = |backend: &mut Backend<'_>| match backend(&Command::Ttl { key: key() }) {
        Answer::Lifetime(Lifetime::Left(ms)) => Some(ms),
        Answer::Lifetime(Lifetime::Endless) => None,
        other => panic!("{other:?}"),
    };
    let is_about = |left: Option<u64>, ms: u64| left.is_some_and(|left| left <= ms && left + 5_000 > ms);
    for command in
        [Command::Ttl { key: key() }, Command::Persist { key: key() }, Command::Expire { key: key(), ms: 1_000 }]
    {
        assert_eq!(backend(&command), Answer::Lifetime(Lifetime::Absent));
    }
    // Every plan keeps it.
    assert_eq!(backend(&commit(1, Guard::Absent, set(&list("1", 1)))), applied());
    assert_eq!(left(backend), None);
    let expire = Command::Expire { key: key(), ms: 100_000 };
    assert_eq!(backend(&expire), Answer::Lifetime(Lifetime::Left(100_000)));
    assert_eq!(backend(&commit(2, list_guard("1", 1), append("2"))), applied());
    assert_eq!(backend(&commit(3, text_guard(&list("1,2", 2)), set(&list("3", 3)))), applied());
    let edit = Plan::Edit(vec![Write { at: 10, pieces: vec![Piece::Text("4".into())] }]);
    assert_eq!(backend(&commit(4, text_guard(&list("3", 3)), edit)), applied());
    assert!(is_about(left(backend), 100_000));
    assert_eq!(backend(&Command::Persist { key: key() }), Answer::Lifetime(Lifetime::Endless));
    assert_eq!(left(backend), None);
    // Commits may renew it, whatever their plan.
    let renewing = |command: &Command, ms| with(command, |commit| commit.ttl_ms = Some(ms));
    let edit = Plan::Edit(vec![Write { at: 10, pieces: vec![Piece::Text("5".into())] }]);
    assert_eq!(backend(&renewing(&commit(5, text_guard(&list("4", 3)), edit), 200_000)), applied());
    assert!(is_about(left(backend), 200_000));
    assert_eq!(backend(&renewing(&commit(6, list_guard("5", 3), append("6")), 300_000)), applied());
    assert!(is_about(left(backend), 300_000));
    assert_eq!(backend(&renewing(&commit(7, text_guard(&list("5,6", 6)), set("x")), 400_000)), applied());
    assert!(is_about(left(backend), 400_000));
    // What is there anew stays.
    assert_eq!(backend(&renewing(&commit(8, text_guard("x"), Plan::Delete), 400_000)), applied());
    assert_eq!(backend(&commit(9, Guard::Absent, set("y"))), applied());
    assert_eq!(left(backend), None);
}

fn grouped(backend: &mut Backend<'_>) {
    const OTHER: &str = "memory:{memory:tasks}other";
    let group = |commits: &[&Command], checks: Vec<(String, Guard)>| {
        let commit = |command: &&Command| match command {
            Command::Commit(commit) => Arc::clone(commit),
            _ => panic!("not a commit"),
        };
        Command::Group(Arc::new(Group { commits: commits.iter().map(commit).collect(), checks }))
    };
    let other = |command: &Command| with(command, |commit| commit.key = OTHER.into());
    let load_other = Command::Load { key: OTHER.into() };
    let answer = Answer::Grouped;
    let same = |remembers| Found { stored: None, remembers };

    // Both or none.
    let (one, two) = (commit(1, Guard::Absent, set("one")), other(&commit(2, Guard::Absent, set("two"))));
    let both = group(&[&one, &two], vec![]);
    assert_eq!(backend(&both), answer(GroupOutcome::Applied));
    assert_eq!(changed_keys(&both, &answer(GroupOutcome::Applied)), [KEY, OTHER]);
    assert_eq!(backend(&both), answer(GroupOutcome::Duplicate));
    let edit =
        Plan::Edit(vec![Write { at: 0, pieces: vec![Piece::Range { start: 1, len: 2 }, Piece::Text("!".into())] }]);
    let fits = commit(3, text_guard("one"), edit);
    let stale = group(&[&fits, &other(&commit(4, text_guard("tw"), Plan::Delete))], vec![]);
    let found = vec![same(true), Found { stored: Some(text("two")), remembers: true }];
    assert_eq!(backend(&stale), answer(GroupOutcome::Stale(found)));
    assert_eq!((backend(&load()), backend(&load_other)), (loaded("one"), loaded("two")));

    // What it only relies on is looked at, and left as it is.
    let absent = ("memory:{memory:tasks}absent".to_owned(), Guard::Absent);
    let relying = |guard| group(&[&fits], vec![(OTHER.to_owned(), guard), absent.clone()]);
    let found = vec![same(true), Found { stored: Some(text("two")), remembers: false }, same(false)];
    assert_eq!(backend(&relying(text_guard("tow"))), answer(GroupOutcome::Stale(found)));
    assert_eq!(backend(&relying(text_guard("two"))), answer(GroupOutcome::Applied));
    assert_eq!((backend(&load()), backend(&load_other)), (loaded("ne!"), loaded("two")));
    let only = group(&[], vec![(OTHER.to_owned(), Guard::Absent)]);
    let found = vec![Found { stored: Some(text("two")), remembers: false }];
    assert_eq!(backend(&only), answer(GroupOutcome::Stale(found)));

    // Deleted together; single commits count on in the same order.
    let gone = group(
        &[&commit(5, text_guard("ne!"), Plan::Delete), &other(&commit(6, text_guard("two"), Plan::Delete))],
        vec![],
    );
    assert_eq!(backend(&gone), answer(GroupOutcome::Applied));
    assert_eq!(
        (backend(&load()), backend(&load_other)),
        (Answer::Loaded(Stored::Absent), Answer::Loaded(Stored::Absent))
    );
    assert_eq!(backend(&commit(5, Guard::Absent, set("late"))), Answer::Committed(Outcome::Duplicate));
    let next = with(&commit(7, Guard::Absent, set("next")), |commit| commit.after = Some(Sequence(5)));
    assert_eq!(backend(&next), applied());
}

fn load() -> Command {
    Command::Load { key: KEY.into() }
}

fn probe(before_end: usize, len: usize) -> Command {
    Command::Probe { key: KEY.into(), before_end, len }
}

fn commit(sequence: u64, guard: Guard, plan: Plan) -> Command {
    let commit = Commit {
        key: KEY.into(),
        writer: WriterId("a".into()),
        sequence: Sequence(sequence),
        after: None,
        guard,
        plan,
        revision: Revision(sequence),
        delta: None,
        ttl_ms: None,
    };
    Command::Commit(commit.into())
}

fn with(command: &Command, change: impl FnOnce(&mut Commit)) -> Command {
    let Command::Commit(commit) = command else { panic!("not a commit") };
    let mut commit = Commit::clone(commit);
    change(&mut commit);
    Command::Commit(commit.into())
}

fn text_guard(text: &str) -> Guard {
    Guard::Text { len: text.len(), at: 0, tail: text.as_bytes().to_vec() }
}

fn set(text: &str) -> Plan {
    Plan::Set(text.to_owned())
}

fn text(text: &str) -> Stored {
    Stored::Text(text.as_bytes().to_vec())
}

fn loaded(stored: &str) -> Answer {
    Answer::Loaded(text(stored))
}

fn applied() -> Answer {
    Answer::Committed(Outcome::Applied)
}

fn stale(stored: Option<Stored>) -> Answer {
    Answer::Committed(Outcome::Stale { stored, remembers: true })
}

fn tail(at: usize) -> Command {
    Command::Tail { key: KEY.into(), at }
}

fn by_b(command: &Command) -> Command {
    with(command, |commit| commit.writer = WriterId("b".into()))
}

fn list(elements: &str, revision: u64) -> String {
    format!("{{\"value\":[{elements}],\"last_modified\":{revision}}}")
}

fn list_guard(elements: &str, revision: u64) -> Guard {
    let tail = format!(",\"last_modified\":{revision}}}").into_bytes();
    let len = list(elements, revision).len();
    Guard::Text { len, at: len - tail.len(), tail }
}

fn append(elements: &str) -> Plan {
    Plan::Append(elements.into())
}

fn appended(revision: u64) -> Answer {
    Answer::Committed(Outcome::Appended { revision: Revision(revision) })
}
