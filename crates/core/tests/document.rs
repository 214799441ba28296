//! Property tests of documents, edits and plans. The oracles are documents as plain vectors, and stored text as a plain
//! byte string.

mod support;

use proptest::prelude::*;
use support::oracle::{Oracle, apply_plan, document, mutations, scalars};
use synced_memory_core::byte_len::{ByteLen, ByteOffset};
use synced_memory_core::codec::decode_mutations;
use synced_memory_core::document::{self as documents, Content, Guard, Layout, Node, Stored, add};
use synced_memory_core::error::ErrorCode;
use synced_memory_core::ids::Revision;
use synced_memory_core::merge::diff;
use synced_memory_core::mutation::{Effect, apply, effect_of, undo};
use synced_memory_core::splice::{Edit, EditSet, PlannedChange, plan};

fn text_of(value: &Node, revision: u64) -> String {
    format!("{{\"value\":{},\"last_modified\":{revision}}}", value.to_text())
}

fn config() -> ProptestConfig {
    // Failures are not saved in files: the tests also run where there is no file system.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn text_round_trips(value in document()) {
        let text = value.to_text();
        prop_assert_eq!(value.text_len(), ByteLen::of(&text));
        prop_assert_eq!(&Node::parse(&text).unwrap(), &value);
        let spaced = text.replace(',', " ,\n").replace(':', "\t: ");
        prop_assert_eq!(Node::parse(&spaced).unwrap(), value);
    }

    #[test]
    fn serde_json_reads_the_same(value in document()) {
        let text = value.to_text();
        let ours: serde_json::Value = serde_json::from_str(&text).unwrap();
        let reprinted = Node::parse(&serde_json::to_string(&ours).unwrap()).unwrap();
        let again: serde_json::Value = serde_json::from_str(&reprinted.to_text()).unwrap();
        prop_assert_eq!(ours, again);
    }

    #[test]
    fn composed_edits_have_the_effect_of_the_edits_one_by_one(
        text in "[a-z]{0,40}",
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[A-Z]{0,5}"), 0..30),
    ) {
        let mut one_by_one = text.clone();
        let mut set = EditSet::new();
        for (at, remove, insert) in edits {
            let at = at.index(one_by_one.len() + 1);
            let remove = remove.min(one_by_one.len() - at);
            one_by_one.replace_range(at..at + remove, &insert);
            set.push(Edit { at: ByteOffset(at), remove: ByteLen(remove), insert });
        }
        let mut composed = text;
        let mut last = ByteOffset(usize::MAX);
        for edit in set.edits().unwrap().iter().rev() {
            let end = edit.at + edit.remove;
            prop_assert!(end <= last, "sorted and apart");
            last = edit.at;
            composed.replace_range(edit.at.0..end.0, &edit.insert);
        }
        prop_assert_eq!(composed, one_by_one);
    }

    /// The main property: for any mutations, in commits of any size, carrying out the plans on the stored bytes gives the
    /// stored form of the new document.
    #[test]
    fn carried_out_plans_give_the_stored_form_of_the_document(
        start in document(),
        commits in prop::collection::vec(mutations(), 1..6),
    ) {
        let mut oracle = Oracle::new(start);
        let mut revision = 1_763_000_000_000_000_000;
        let mut stored = text_of(oracle.value.as_ref().unwrap(), revision).into_bytes();
        let Content::Document { layout: mut base, .. } = documents::read(&Stored::Text(stored.clone())) else {
            return Err(TestCaseError::fail("the start is a document"));
        };
        for choices in commits {
            let mut set = EditSet::new();
            for choice in choices {
                let Some((mutation, expected)) = oracle.next(&choice) else { continue };
                let Effect { edit, values } = effect_of(oracle.value.as_ref(), &mutation, add).unwrap();
                apply(&mut oracle.value, &mutation, values);
                set.push(edit);
                prop_assert_eq!(oracle.value.as_ref().unwrap().to_text(), expected, "{:?}", mutation);
            }
            revision += 7;
            let PlannedChange { plan, layout } = plan(&base, &set, oracle.value.as_ref(), Revision(revision));
            apply_plan(&mut stored, &plan);
            let text = std::str::from_utf8(&stored).unwrap();
            prop_assert_eq!(text.trim_end_matches(' '), text_of(oracle.value.as_ref().unwrap(), revision));
            let Guard::Text { len, at, tail } = layout.guard() else { return Err(TestCaseError::fail("text")) };
            prop_assert_eq!(len.0, stored.len());
            prop_assert_eq!(&stored[at.0..at.0 + tail.len()], &tail[..]);
            match documents::read(&Stored::Text(stored.clone())) {
                Content::Document { layout: read, .. } => prop_assert_eq!(&read, &layout),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
            base = layout;
        }
    }

    #[test]
    fn undone_mutations_leave_the_document_as_it_was(start in document(), choices in mutations()) {
        let mut oracle = Oracle::new(start.clone());
        let mut applied = Vec::new();
        for choice in choices {
            let Some((mutation, _)) = oracle.next(&choice) else { continue };
            let effect = effect_of(oracle.value.as_ref(), &mutation, add).unwrap();
            let text = oracle.value.as_ref().unwrap().to_text();
            let how = apply(&mut oracle.value, &mutation, effect.values);
            applied.push((mutation, how, text));
        }
        for (mutation, how, text) in applied.into_iter().rev() {
            undo(&mut oracle.value, &mutation, how);
            prop_assert_eq!(oracle.value.as_ref().unwrap().to_text(), text, "{:?}", mutation);
        }
    }

    #[test]
    fn a_diff_makes_the_new_document_of_the_old_one(old in document(), choices in mutations(), other in document()) {
        let mut oracle = Oracle::new(old.clone());
        for choice in choices {
            if let Some((mutation, _)) = oracle.next(&choice) {
                let effect = effect_of(oracle.value.as_ref(), &mutation, add).unwrap();
                apply(&mut oracle.value, &mutation, effect.values);
            }
        }
        for new in [oracle.value.unwrap(), other] {
            let mut value = Some(old.clone());
            for mutation in diff(Some(&old), Some(&new)) {
                let effect = effect_of(value.as_ref(), &mutation, add).unwrap();
                apply(&mut value, &mutation, effect.values);
            }
            prop_assert_eq!(value.unwrap().to_text(), new.to_text());
        }
    }

    #[test]
    fn reading_arbitrary_bytes_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        documents::read(&Stored::Text(bytes));
    }

    #[test]
    fn reading_damaged_text_does_not_panic(value in document(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = text_of(&value, 5).into_bytes();
        let at = cut.index(text.len());
        text[at] = byte;
        documents::read(&Stored::Text(text.clone()));
        text.truncate(at);
        let damaged = documents::read(&Stored::Text(text));
        prop_assert!(matches!(damaged, Content::Unreadable { .. }), "{:?}", damaged);
    }
}

#[test]
fn a_diff_of_lists_does_not_touch_elements_that_are_in_both() {
    let diff_text = |old: &str, new: &str| {
        let (old, new) = (Node::parse(old).unwrap(), Node::parse(new).unwrap());
        diff(Some(&old), Some(&new)).iter().map(|mutation| format!("{mutation:?}")).collect::<Vec<_>>().join(" ")
    };
    let inserted = diff_text(r#"[{"a":1},{"b":1},{"c":1}]"#, r#"[0,{"a":1},{"b":2},{"c":1},{"d":1}]"#);
    assert!(inserted.contains("Splice { path: [], index: 0, remove: 0"), "{inserted}");
    assert!(inserted.contains(r#"Set { path: [Index(2)], key: "b""#), "{inserted}");
    assert!(inserted.contains("Append { path: []"), "{inserted}");
    let removed = diff_text("[1,2,3,4,5]", "[2,4]");
    assert_eq!(removed.matches("remove: 1").count(), 3, "{removed}");
    let moved = diff_text("[1,2,3,4,5]", "[5,1,2,3,4]");
    assert_eq!(moved, "Permute { path: [], order: [4, 0, 1, 2, 3] }");
}

#[test]
fn scalars_keep_their_lexemes() {
    for text in scalars() {
        assert_eq!(Node::parse(text).unwrap().to_text(), text);
    }
}

#[test]
fn strings_are_read_as_canonical_text() {
    for (text, canonical) in [
        (r#""\u00e9\/\u0041""#, "\"é/A\""),
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\uD83D""#, r#""\ud83d""#),
        (r#""\uDE00\uD83D""#, r#""\ude00\ud83d""#),
        (r#""\ud83d\u0041""#, "\"\\ud83dA\""),
        (r#""\u000a\u001F\u0008""#, r#""\n\u001f\b""#),
        (r#""\u0022\u005c""#, r#""\"\\""#),
        (r#"{"\u0061":1, "a":2}"#, r#"{"a":2}"#),
    ] {
        assert_eq!(Node::parse(text).unwrap().to_text(), canonical);
    }
}

#[test]
fn text_that_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "--1",
        "tru",
        "nul",
        "nan",
        "-NaN",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "1 2",
        "[1]]",
        "'a'",
    ] {
        assert_eq!(Node::parse(text).unwrap_err().code, ErrorCode::Malformed, "{text}");
    }
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(Node::parse(&deep(documents::MAX_DEPTH)).is_ok());
    assert_eq!(Node::parse(&deep(documents::MAX_DEPTH + 1)).unwrap_err().code, ErrorCode::TooDeep);
    assert_eq!(Node::parse(&"[".repeat(100_000)).unwrap_err().code, ErrorCode::TooDeep);
}

#[test]
fn stored_text_is_canonical_or_foreign_or_unreadable() {
    let read = |text: &str| documents::read(&Stored::Text(text.as_bytes().to_vec()));
    let layout = |text: &str| match read(text) {
        Content::Document { layout, .. } => layout,
        other => panic!("{other:?}"),
    };
    let canonical = Layout::Canonical { value_len: ByteLen(3), revision: Revision(5), slack: ByteLen(2) };
    assert_eq!(layout("{\"value\":[1],\"last_modified\":5}  "), canonical);
    let python = layout("{\"value\": [1, 2], \"last_modified\": 1763000000000000000}");
    let Layout::Foreign { len: ByteLen(55), at, tail } = python else { panic!("{python:?}") };
    assert_eq!((at, tail.as_slice()), (ByteOffset(16), &b", \"last_modified\": 1763000000000000000}"[..]));
    for text in ["{\"last_modified\":5,\"value\":[1]}", "{\"x\":0,\"value\":[1],\"last_modified\":5}"] {
        assert!(matches!(layout(text), Layout::Foreign { .. }), "{text}");
    }
    for (text, part) in [
        ("", "empty"),
        ("[1,2", "ends in the middle"),
        ("hello", "not JSON"),
        ("[1]", "without the fields"),
        ("{\"value\":1}", "without the fields"),
        ("{\"value\":1,\"last_modified\":1.5}", "last_modified"),
        ("{\"value\":1,\"last_modified\":18446744073709551615}", "last_modified"),
        ("{\"value\":1,\"last_modified\":-1}", "last_modified"),
    ] {
        let Content::Unreadable { error, .. } = read(text) else { panic!("{text}") };
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
}

#[test]
fn a_long_list_keeps_its_elements_through_splices() {
    let mut value = Some(Node::parse("[]").unwrap());
    let mut expected: Vec<usize> = Vec::new();
    let run = |text: String, value: &mut Option<Node>| {
        for mutation in decode_mutations(&text).unwrap() {
            let effect = effect_of(value.as_ref(), &mutation, add).unwrap();
            apply(value, &mutation, effect.values);
        }
    };
    for n in 0..10_000 {
        let index = (n * 7919) % (expected.len() + 1);
        expected.insert(index, n);
        run(format!("[[\"splice\",\"a\",[],{index},0,[{n}]]]"), &mut value);
    }
    for n in 0..6_000 {
        let index = (n * 104_729) % expected.len();
        expected.remove(index);
        run(format!("[[\"splice\",\"a\",[],{index},1,[]]]"), &mut value);
    }
    let value = value.unwrap();
    assert_eq!(value.to_text(), serde_json::to_string(&expected).unwrap());
    assert_eq!(value.text_len(), ByteLen::of(&value.to_text()));
}

#[test]
fn a_large_dict_finds_its_keys() {
    let mut value = Some(Node::parse("{}").unwrap());
    for n in 0..2_000 {
        let mutation = decode_mutations(&format!("[[\"set\",\"a\",[],\"k{n}\",{n}]]")).unwrap().pop().unwrap();
        let effect = effect_of(value.as_ref(), &mutation, add).unwrap();
        apply(&mut value, &mutation, effect.values);
    }
    for n in (0..2_000).step_by(3) {
        let mutation = decode_mutations(&format!("[[\"unset\",\"a\",[],\"k{n}\"]]")).unwrap().pop().unwrap();
        let effect = effect_of(value.as_ref(), &mutation, add).unwrap();
        apply(&mut value, &mutation, effect.values);
    }
    let members: Vec<_> = (0..2_000).filter(|n| n % 3 != 0).map(|n| format!("\"k{n}\":{n}")).collect();
    assert_eq!(value.unwrap().to_text(), format!("{{{}}}", members.join(",")));
}

/// Each vector of `tests/conformance/mutations.json` is a document, mutations, and the text that they give.
#[test]
fn mutations_give_the_text_of_the_conformance_vectors() {
    #[derive(serde::Deserialize)]
    struct Vector {
        document: String,
        mutations: Box<serde_json::value::RawValue>,
        text: String,
    }
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../../tests/conformance/mutations.json")).unwrap();
    for vector in vectors {
        let mut value = Some(Node::parse(&vector.document).unwrap());
        for mutation in decode_mutations(vector.mutations.get()).unwrap() {
            let effect = effect_of(value.as_ref(), &mutation, add).unwrap();
            apply(&mut value, &mutation, effect.values);
        }
        assert_eq!(value.unwrap().to_text(), vector.text, "{}", vector.mutations);
    }
}

#[test]
fn mutations_that_do_not_fit_are_refused() {
    let value = Node::parse(r#"{"a":[1,2],"b":{"c":1}}"#).unwrap();
    for (mutation, code) in [
        (r#"["append","x",[],[1]]"#, ErrorCode::NotFound),
        (r#"["append","x",["b"],[1]]"#, ErrorCode::NotFound),
        (r#"["append","x",["z"],[1]]"#, ErrorCode::NotFound),
        (r#"["set","x",["a"],"k",1]"#, ErrorCode::NotFound),
        (r#"["replace","x",["a"],2,1]"#, ErrorCode::NotFound),
        (r#"["splice","x",["a"],1,2,[]]"#, ErrorCode::NotFound),
        (r#"["splice","x",["a"],4294967295,1,[]]"#, ErrorCode::NotFound),
        (r#"["permute","x",["a"],[0,0]]"#, ErrorCode::NotFound),
        (r#"["permute","x",["a"],[1,2]]"#, ErrorCode::NotFound),
        (r#"["increment","x",["a",2],1]"#, ErrorCode::NotFound),
        (r#"["increment","x",["z","k"],1]"#, ErrorCode::NotFound),
        (r#"["increment","x",["a"],1]"#, ErrorCode::NotANumber),
        (r#"["increment","x",["b","c"],"1"]"#, ErrorCode::NotANumber),
        (r#"["increment","x",["b","c"],1e400]"#, ErrorCode::NotANumber),
        (r#"["increment","x",[],1]"#, ErrorCode::NotANumber),
    ] {
        let mutation = decode_mutations(&format!("[{mutation}]")).unwrap().pop().unwrap();
        assert_eq!(effect_of(Some(&value), &mutation, add).unwrap_err().code, code, "{mutation:?}");
    }
    for batch in [
        "",
        "[[]]",
        "[[\"push\",\"a\",1]]",
        "[[\"set\",\"a\",[],1,1]]",
        "[[\"assign\",\"a\"]]",
        "[[\"append\",\"a\",[-1],[]]]",
    ] {
        assert_eq!(decode_mutations(batch).unwrap_err().code, ErrorCode::NotSerializable, "{batch}");
    }
}
