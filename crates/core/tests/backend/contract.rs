//! What every store must do, whatever it is made of. Included by the tests of each.

use std::fmt::Debug;
use synced_memory_core::backend::{MemoryStore, Store, changed_key, execute};
use synced_memory_core::command::{Answer, Command, Commit, Outcome, Probed};
use synced_memory_core::document::{Guard, Stored};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::splice::{Piece, Plan, Write};

const KEY: &str = "memory:tasks";

/// How many rules there are.
pub(crate) const RULES: usize = 8;

/// Run every rule, each on a fresh store.
pub(crate) fn every_rule<S: Store<Error: Debug>>(stores: impl IntoIterator<Item = S>) {
    let rules: [fn(&mut S); RULES] = [
        absent,
        idempotent,
        guarded,
        built_on_predecessor,
        ranges_are_of_the_old_text,
        deleted,
        listed_in_pages,
        like_the_model,
    ];
    let mut stores = stores.into_iter();
    for rule in rules {
        rule(&mut stores.next().expect("a store for each rule"));
    }
}

fn absent<S: Store<Error: Debug>>(store: &mut S) {
    assert_eq!(run(store, &load()), Answer::Loaded(Stored::Absent));
    assert_eq!(run(store, &probe(0, 10)), Answer::Probed(Probed::Absent));
    let edit = commit(1, text_guard("x"), Plan::Edit(vec![]));
    let stored = Some(Stored::Absent);
    assert_eq!(run(store, &edit), Answer::Committed(Outcome::Stale { stored, remembers: false }));
}

fn idempotent<S: Store<Error: Debug>>(store: &mut S) {
    let first = commit(1, Guard::Absent, set("one"));
    assert_eq!(run(store, &first), applied());
    assert_eq!(changed_key(&first, &applied()), Some(KEY));
    assert_eq!(run(store, &first), Answer::Committed(Outcome::Duplicate));
    assert_eq!(changed_key(&first, &Answer::Committed(Outcome::Duplicate)), None);
    assert_eq!(run(store, &commit(5, text_guard("one"), set("five"))), applied());
    assert_eq!(run(store, &commit(4, text_guard("five"), set("four"))), Answer::Committed(Outcome::Duplicate));
    // Another writer counts for itself, and is not remembered before it has written.
    let early = with(&commit(1, Guard::Absent, set("early")), |commit| commit.writer = WriterId("b".into()));
    let stored = Some(text("five"));
    assert_eq!(run(store, &early), Answer::Committed(Outcome::Stale { stored, remembers: false }));
    let other = with(&commit(1, text_guard("five"), set("other")), |commit| commit.writer = WriterId("b".into()));
    assert_eq!(run(store, &other), applied());
    assert_eq!(run(store, &load()), loaded("other"));
}

fn guarded<S: Store<Error: Debug>>(store: &mut S) {
    run(store, &commit(1, Guard::Absent, set("hello")));
    for guard in [
        Guard::Absent,
        Guard::OtherType,
        text_guard("hell"),
        text_guard("hullo"),
        Guard::Text { len: 5, at: 4, tail: b"oo".to_vec() },
        Guard::Text { len: 6, at: 3, tail: b"lo".to_vec() },
        Guard::Text { len: 5, at: usize::MAX, tail: b"lo".to_vec() },
    ] {
        assert_eq!(run(store, &commit(2, guard, set("no"))), stale(Some(text("hello"))));
    }
    let tail = Guard::Text { len: 5, at: 3, tail: b"lo".to_vec() };
    assert_eq!(run(store, &commit(2, tail, set("yes"))), applied());
    assert_eq!(run(store, &load()), loaded("yes"));
}

fn built_on_predecessor<S: Store<Error: Debug>>(store: &mut S) {
    run(store, &commit(1, Guard::Absent, set("one")));
    let third = with(&commit(3, text_guard("two"), set("three")), |commit| commit.after = Some(Sequence(2)));
    // Its predecessor was not applied, or something came between: whoever sent it knows from the predecessor.
    assert_eq!(run(store, &third), stale(None));
    assert_eq!(run(store, &commit(2, text_guard("one"), set("two"))), applied());
    let misfit = with(&third, |commit| commit.guard = text_guard("2"));
    assert_eq!(run(store, &misfit), stale(None));
    assert_eq!(run(store, &third), applied());
    assert_eq!(run(store, &load()), loaded("three"));
}

fn ranges_are_of_the_old_text<S: Store<Error: Debug>>(store: &mut S) {
    run(store, &commit(1, Guard::Absent, set("0123456789")));
    let write = |at, pieces| Write { at, pieces };
    let plan = Plan::Edit(vec![
        write(0, vec![Piece::Text("ab".into()), Piece::Range { start: 8, len: 2 }]),
        write(6, vec![Piece::Range { start: 0, len: 3 }, Piece::Text("ü".into()), Piece::Spaces(3)]),
    ]);
    assert_eq!(run(store, &commit(2, text_guard("0123456789"), plan)), applied());
    assert_eq!(run(store, &load()), loaded("ab8945012ü   "));
    for (at, len, bytes) in [(9, 5, "ü   "), (13, 10, " "), (0, 0, ""), (20, 5, "")] {
        let probed = Probed::Text { len: 14, bytes: bytes.as_bytes().to_vec() };
        assert_eq!(run(store, &probe(at, len)), Answer::Probed(probed));
    }
}

fn deleted<S: Store<Error: Debug>>(store: &mut S) {
    assert_eq!(run(store, &commit(1, Guard::Absent, Plan::Delete)), applied());
    run(store, &commit(2, Guard::Absent, set("x")));
    assert_eq!(run(store, &commit(3, text_guard("x"), Plan::Delete)), applied());
    assert_eq!(run(store, &load()), Answer::Loaded(Stored::Absent));
    assert_eq!(run(store, &commit(3, text_guard("x"), Plan::Delete)), Answer::Committed(Outcome::Duplicate));
    assert_eq!(run(store, &commit(4, Guard::Absent, set("y"))), applied());
    assert_eq!(run(store, &load()), loaded("y"));
}

fn listed_in_pages<S: Store<Error: Debug>>(store: &mut S) {
    let mut expected: Vec<String> = (0..1500).map(|n| format!("memory:{n}")).collect();
    for key in expected.iter().map(String::as_str).chain(["memorx:a", "memory;", "memory", "z", "memory:gone"]) {
        store.replace(key, b"x").unwrap();
    }
    store.remove("memory:gone").unwrap();
    let (mut cursor, mut listed, mut pages) = ("0".to_owned(), Vec::new(), 0);
    loop {
        let Answer::Names { cursor: next, keys } = run(store, &Command::Names { prefix: "memory:".into(), cursor })
        else {
            panic!("not a page")
        };
        listed.extend(keys);
        cursor = next;
        pages += 1;
        if cursor == "0" {
            break;
        }
    }
    expected.sort();
    assert_eq!((listed, pages), (expected, 2));
}

/// Random writes, over the edges of whatever pieces the store keeps documents in.
fn like_the_model<S: Store<Error: Debug>>(store: &mut S) {
    let mut model = MemoryStore::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64)).unwrap()
    };
    for step in 0..300 {
        let bytes = |len: usize, salt: usize| (b'a'..=b'z').cycle().skip(salt % 26).take(len).collect::<Vec<u8>>();
        let len = Store::len(&mut model, KEY).unwrap().unwrap_or_default();
        match random(10) {
            0 => {
                let text = bytes(random(100_000), step);
                store.replace(KEY, &text).unwrap();
                model.replace(KEY, &text).unwrap();
            }
            1 => {
                store.remove(KEY).unwrap();
                model.remove(KEY).unwrap();
            }
            _ => {
                let at = if random(3) == 0 { len } else { random(len + 1) };
                let text = bytes(1 + random(40_000), step);
                store.write(KEY, at, &text).unwrap();
                model.write(KEY, at, &text).unwrap();
            }
        }
        let len = Store::len(&mut model, KEY).unwrap();
        assert_eq!(store.len(KEY).unwrap(), len);
        let from = random(len.unwrap_or_default() + 1);
        for range in [0..usize::MAX, from..from + random(20_000), from..from] {
            assert!(store.read(KEY, range.clone()).unwrap() == model.read(KEY, range).unwrap(), "step {step}");
        }
    }
}

fn run<S: Store<Error: Debug>>(store: &mut S, command: &Command) -> Answer {
    execute(store, command).unwrap()
}

fn load() -> Command {
    Command::Load { key: KEY.into() }
}

fn probe(at: usize, len: usize) -> Command {
    Command::Probe { key: KEY.into(), at, len }
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
