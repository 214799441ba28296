//! Increments: the stored numbers and the reported results.

use crate::support::{Client, put, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::Answer;
use synced_memory_core::session::Input;

#[test]
fn increments_of_many_writers_have_distinct_results() {
    let mut server = MemoryStore::default();
    let mut clients: Vec<_> = (0..8).map(|writer| Client::connected(&format!("w{writer}"), &mut server)).collect();
    for round in 0..5 {
        for client in &mut clients {
            client.mutate(r#"[["increment","hits",[],1]]"#);
            if round % 2 == 0 {
                client.mutate(r#"[["increment","hits",[],1]]"#);
            }
        }
        for client in &mut clients {
            client.run(&mut server);
        }
    }
    assert_eq!(stored_value(&mut server, "hits"), "64");
    let mut results: Vec<u64> =
        clients.iter().flat_map(Client::results).map(|(_, sum)| sum.parse().expect("a number")).collect();
    results.sort_unstable();
    assert_eq!(results, (1..=64).collect::<Vec<_>>());
}

#[test]
fn the_result_of_an_increment_whose_reply_was_lost_is_reported() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    let mut b = Client::connected("b", &mut server);
    a.mutate(r#"[["assign","hits",0]]"#);
    a.run(&mut server);
    a.mutate(r#"[["increment","hits",[],5]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    b.refresh(&mut server);
    b.mutate(r#"[["increment","hits",[],1]]"#);
    b.run(&mut server);
    a.mutate(r#"[["increment","hits",[],10]]"#);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "hits"), "16");
    assert_eq!(a.results(), [(2, "5".to_owned()), (3, "16".to_owned())]);
    assert_eq!(b.results(), [(1, "6".to_owned())]);
}

#[test]
fn dropped_and_refused_increments_report_an_error() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    a.mutate(r#"[["assign","x",{"n":1}],["increment","x",["n"],1]]"#);
    a.run(&mut server);
    put(&mut server, "x", br#"{"value": {}, "last_modified": 9}"#);
    a.mutate(r#"[["increment","x",["n"],1],["set","x",[],"k",2]]"#);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "x"), r#"{"k":2}"#);
    assert_eq!(a.conflicts(), 1);
    a.mutate(r#"[["increment","x",["k"],1]]"#);
    let (id, _) = a.outgoing.pop_front().expect("the commit");
    a.handle(Input::Answer(id, Answer::Refused(SyncError::new(ErrorCode::Refused, "no"))));
    assert_eq!(a.text("x"), r#"{"k":2}"#);
    let results: Vec<_> = a.results().into_iter().map(|(number, sum)| format!("{number} {sum}")).collect();
    assert_eq!(results, ["2 2", "3 ERR_NOT_FOUND", "5 ERR_REFUSED"]);
}

#[test]
fn an_increment_before_an_assignment_reports_its_result() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    a.disconnect();
    a.mutate(r#"[["assign","x",1],["increment","x",[],1],["assign","x",10],["increment","x",[],1],["delete","x"]]"#);
    a.mutate(r#"[["increment","x",[],9007199254740993]]"#);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "x"), "9007199254740993");
    let results: Vec<_> = a.results().into_iter().map(|(number, sum)| format!("{number} {sum}")).collect();
    assert_eq!(results, ["2 2", "4 11", "6 9007199254740993"]);
}
