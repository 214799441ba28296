//! The in-process backend.

use crate::peer::Peer;

#[test]
fn memories_of_one_name_share_a_store() {
    let url = "memory://native-tests-shared";
    let (mut ann, mut bob) = (Peer::open(url), Peer::open(url));
    ann.assign("tasks", "[1]");
    ann.flush();
    bob.until("changed", |bob| bob.text("tasks").as_deref() == Some("[1]"));
    bob.push("tasks", 2);
    bob.flush();
    ann.until("changed", |ann| ann.text("tasks").as_deref() == Some("[1,2]"));
    drop((ann, bob));
    let mut late = Peer::open(url);
    late.sync();
    assert_eq!(late.text("tasks").unwrap(), "[1,2]", "the data stays when no memory is connected, as on a server");
}

#[test]
fn a_memory_without_a_name_is_private() {
    let (mut ann, mut bob) = (Peer::open("memory:"), Peer::open("memory:"));
    ann.assign("tasks", "[1]");
    ann.flush();
    bob.sync();
    assert_eq!(bob.text("tasks"), None);
}
