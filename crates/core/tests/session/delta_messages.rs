//! Delta messages that a session cannot read.

use crate::support::Client;
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::protocol::{DeltaDelivery, Invalidations};
use synced_memory_core::session::Input;

/// A client that receives changes only by delta messages, and another one that has changed `x` and `y` without one.
fn after_unheard_changes(server: &mut MemoryStore) -> Client {
    let mut writer = Client::connected("writer", server);
    writer.mutate(r#"[["assign","x",[1]],["assign","y",[1]]]"#);
    writer.run(server);
    let mut reader = Client::connected("reader", server);
    reader.handle(Input::Notifications(DeltaDelivery::InOrder, Invalidations::None));
    writer.mutate(r#"[["append","x",[],[2]],["append","y",[],[2]]]"#);
    writer.run(server);
    assert_eq!((reader.text("x"), reader.text("y")), ("[1]".to_owned(), "[1]".to_owned()));
    reader
}

fn receive(reader: &mut Client, message: &str, server: &mut MemoryStore) {
    reader.handle(Input::Message { channel: "sm:memory:".into(), message: message.as_bytes().into() });
    reader.run(server);
}

#[test]
fn documents_of_a_newer_message_are_read_again() {
    let mut server = MemoryStore::default();
    let mut reader = after_unheard_changes(&mut server);
    receive(&mut reader, "sm2 0000000000000000000000000000000000000000 1 8 memory:x whatever comes next", &mut server);
    assert_eq!((reader.text("x"), reader.text("y")), ("[1,2]".to_owned(), "[1]".to_owned()));
}

#[test]
fn documents_of_an_unreadable_message_are_read_again() {
    let mut server = MemoryStore::default();
    let mut reader = after_unheard_changes(&mut server);
    receive(&mut reader, "sm1 0000000000000000000000000000000000000000 2 8 8 memory:xmemory:ywriter 1 2", &mut server);
    assert_eq!((reader.text("x"), reader.text("y")), ("[1,2]".to_owned(), "[1,2]".to_owned()));
}

#[test]
fn everything_is_read_again_after_a_message_about_too_many_documents() {
    let mut server = MemoryStore::default();
    let mut reader = after_unheard_changes(&mut server);
    receive(&mut reader, "sm1 0000000000000000000000000000000000000000 100000 ", &mut server);
    assert_eq!((reader.text("x"), reader.text("y")), ("[1,2]".to_owned(), "[1,2]".to_owned()));
}
