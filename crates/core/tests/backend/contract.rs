//! The contract of a store: the vectors of all backends, and the rules that only stores have. Included by the tests of
//! each store.

use super::vectors;
use std::fmt::Debug;
use synced_memory_core::backend::{MemoryStore, Store, execute};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::document::Stored;
use synced_memory_core::ids::Revision;
use synced_memory_core::protocol::{Answer, Command, Delta};

const KEY: &str = "memory:tasks";

/// Checks every rule and every vector, each on a store that `open_empty` gives once the one before is dropped.
pub(crate) fn check_store<S: Store<Error: Debug>>(mut open_empty: impl FnMut() -> S) {
    let rules: [fn(&mut S); 3] = [listed_in_pages, like_the_model, gone_in_time];
    for rule in rules {
        rule(&mut open_empty());
    }
    // Stores have no keys that hold something that is not a string.
    for vector in vectors::vectors().iter().filter(|vector| vector.other_type.is_empty()) {
        vector.replay(&mut StoreBackend { store: open_empty(), deltas: Vec::new() });
    }
}

struct StoreBackend<S> {
    store: S,
    deltas: Vec<Delta>,
}

impl<S: Store<Error: Debug>> vectors::Backend for StoreBackend<S> {
    fn store(&mut self, key: &str, text: &str) {
        self.store.replace(key, text.as_bytes()).unwrap();
    }

    fn execute(&mut self, command: &Command) -> Answer {
        let execution = execute(&mut self.store, command, 0).unwrap();
        self.deltas.extend(execution.deltas);
        execution.answer
    }

    fn take_deltas(&mut self) -> Vec<Delta> {
        // A server publishes no delta for a commit without an announcement; a store reports the changed key.
        self.deltas.drain(..).filter(|delta| delta.base != Revision(u64::MAX)).collect()
    }
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

fn gone_in_time<S: Store<Error: Debug>>(store: &mut S) {
    for (key, at) in [("memory:a", Some(200)), ("memory:b", Some(100)), ("memory:c", None), ("memory:d", Some(50))] {
        store.replace(key, b"x").unwrap();
        store.set_expires_at(key, at).unwrap();
    }
    store.remove("memory:d").unwrap();
    store.set_expires_at("memory:b", Some(150)).unwrap();
    assert_eq!(store.next_expiry().unwrap(), Some(150));
    assert_eq!(store.take_expired(149).unwrap(), [""; 0]);
    assert_eq!(store.take_expired(150).unwrap(), ["memory:b"]);
    assert_eq!(
        run(store, &Command::Load { key: "memory:b".into(), max_len: ByteLen(1000) }),
        Answer::Loaded(Stored::Absent)
    );
    store.replace("memory:b", b"y").unwrap();
    assert_eq!(store.expires_at("memory:b").unwrap(), None);
    assert_eq!((store.expires_at("memory:a").unwrap(), store.next_expiry().unwrap()), (Some(200), Some(200)));
    store.set_expires_at("memory:a", None).unwrap();
    assert_eq!(store.take_expired(u64::MAX).unwrap(), [""; 0]);
    assert_eq!(store.next_expiry().unwrap(), None);
}

fn run<S: Store<Error: Debug>>(store: &mut S, command: &Command) -> Answer {
    execute(store, command, 0).unwrap().answer
}
