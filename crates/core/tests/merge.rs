//! Two writers at once: what becomes of the second one's mutations. The vectors hold every pair of mutation kinds.

mod support;

use serde_json::Value;
use support::{Client, stored};
use synced_memory_core::backend::MemoryStore;

const KINDS: [&str; 11] =
    ["assign", "create", "delete", "set", "unset", "clear", "replace", "append", "splice", "permute", "increment"];

#[test]
fn merge_vectors() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/conformance/merges.json")).unwrap();
    for vector in &vectors {
        let name = vector["name"].as_str().unwrap();
        let mut server = MemoryStore::default();
        let mut theirs = Client::connected("theirs", &mut server);
        if let Some(document) = vector["document"].as_str() {
            theirs.mutate(&format!(r#"[["assign","a",{document}]]"#));
            theirs.run(&mut server);
        }
        let mut ours = Client::connected("ours", &mut server);
        ours.refresh(&mut server);
        theirs.mutate(&vector["theirs"].to_string());
        theirs.run(&mut server);
        ours.mutate(&vector["ours"].to_string());
        ours.run(&mut server);
        theirs.refresh(&mut server);
        let text = vector["text"].as_str().unwrap_or("-");
        assert_eq!(ours.text("a"), text, "{name}");
        assert_eq!(theirs.text("a"), text, "{name}: the other replica");
        assert_eq!(stored(&mut server, "a") == "-", text == "-", "{name}");
        assert_eq!(ours.conflicts() as u64, vector["conflicts"].as_u64().unwrap_or(0), "{name}: conflicts");
        assert_eq!(ours.session.first_pending(), None, "{name}");
    }
}

/// The table of MERGE.md says of every pair what its vector shows.
#[test]
fn merge_table() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/conformance/merges.json")).unwrap();
    let page = include_str!("../../../MERGE.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")).map(|line| line.split('|').map(str::trim));
    let mut rows = rows.map(Iterator::collect::<Vec<_>>);
    assert_eq!(rows.next().unwrap()[1..=KINDS.len()], KINDS);
    for ours in KINDS {
        let row = rows.next().unwrap();
        assert_eq!(row[0], ours);
        for (theirs, cell) in KINDS.iter().zip(&row[1..]) {
            let pair = format!("{ours} / {theirs}");
            let vector = vectors.iter().find(|vector| vector["name"] == pair);
            let vector = vector.unwrap_or_else(|| panic!("no vector for {pair}"));
            let is_conflict = vector["conflicts"].as_u64().unwrap_or(0) > 0;
            assert_eq!(*cell == "conflict", is_conflict, "{pair} is {cell}");
            assert!(["wins", "both", "moot", "made", "conflict"].contains(cell), "{pair} is {cell}");
        }
    }
}
