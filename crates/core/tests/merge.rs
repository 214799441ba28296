//! Merges of two writers' mutations, of which the second is transformed. The vectors have every pair of mutation kinds.

mod support;

use serde_json::Value;
use support::{Client, stored};
use synced_memory_core::backend::MemoryStore;

const KINDS: [&str; 12] = [
    "assign",
    "create",
    "delete",
    "set",
    "unset",
    "clear",
    "replace",
    "append",
    "splice",
    "permute",
    "take",
    "increment",
];

#[test]
fn merges_give_the_text_of_the_conformance_vectors() {
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
        assert_eq!(ours.moots().len() as u64, vector["moots"].as_u64().unwrap_or(0), "{name}: {:?}", ours.moots());
        assert_eq!(ours.session.first_pending(), None, "{name}");
        if let Some(expected) = vector["results"].as_array() {
            let mut results = ours.results();
            results.sort_unstable();
            let results: Vec<_> = results.into_iter().map(|(_, result)| result).collect();
            let expected: Vec<_> =
                expected.iter().map(|result| result.get(0).map_or_else(|| "-".to_owned(), Value::to_string)).collect();
            assert_eq!(results, expected, "{name}: results");
        }
    }
}

#[test]
fn the_table_in_the_documentation_agrees_with_the_vectors() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../../../tests/conformance/merges.json")).unwrap();
    let page = include_str!("../../../docs/merging.md");
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
