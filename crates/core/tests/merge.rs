//! Two writers at once: what becomes of the second one's mutations. The vectors hold every pair of mutation kinds.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use support::{Client, stored};
use synced_memory_core::backend::MemoryStore;

const KINDS: [&str; 10] =
    ["assign", "create", "delete", "set", "unset", "clear", "replace", "append", "splice", "permute"];

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

    let named: BTreeSet<_> = vectors.iter().filter_map(|vector| vector["name"].as_str()).collect();
    for ours in KINDS {
        for theirs in KINDS {
            assert!(named.contains(format!("{ours} / {theirs}").as_str()), "no vector for {ours} / {theirs}");
        }
    }
}
