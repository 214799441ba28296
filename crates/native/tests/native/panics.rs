//! A panic on a thread that does I/O ends the memories of its link with an error, and no others.

use crate::server::RedisServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::mutation::{Json, Mutation};
use synced_memory_core::session::{BatchEntry, Event};
use synced_memory_native::{Memory, OpenOptions};

const MESSAGE: &str = "a test asked for this panic";

/// Panics once on the thread of this name, as soon as it is armed.
fn panicking_wake(thread: &'static str, armed: &Arc<AtomicBool>) -> impl Fn() + Send + Sync + 'static {
    let armed = Arc::clone(armed);
    move || assert!(std::thread::current().name() != Some(thread) || !armed.swap(false, Ordering::Relaxed), "{MESSAGE}")
}

/// Takes in events until there is one that is wanted, or the memory has failed.
fn drain_until(memory: &mut Memory, is_wanted: impl Fn(&Event) -> bool) -> Result<(), SyncError> {
    while !memory.drain()?.iter().any(&is_wanted) {
        assert!(memory.wait(Duration::from_secs(20)), "nothing has arrived");
    }
    Ok(())
}

fn assign(memory: &mut Memory, value: &str) {
    let mutation = Mutation::Assign { value: Json(value.into()) };
    memory.submit(vec![BatchEntry::Mutation("x".to_owned(), mutation)]).unwrap();
}

fn expect_failure(memory: &mut Memory) {
    let error = drain_until(memory, |_| false).unwrap_err();
    assert_eq!((error.code, &*error.message), (ErrorCode::Internal, MESSAGE));
    assert_eq!(memory.drain().unwrap_err(), error, "it stays so");
}

#[test]
fn of_the_thread_behind_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(format!("file:{}", folder.path().join("memory.db").display()));
    let armed = Arc::new(AtomicBool::new(false));
    let mut one = Memory::open(options.clone(), panicking_wake("synced-memory-file", &armed)).unwrap();
    let mut other = Memory::open(options.clone(), || ()).unwrap();
    for memory in [&mut one, &mut other] {
        drain_until(memory, |event| matches!(event, Event::Ready)).unwrap();
    }
    armed.store(true, Ordering::Relaxed);
    assign(&mut other, "1");
    expect_failure(&mut one);
    expect_failure(&mut other);

    // The next memory gets a link of its own, even while the failed ones are there.
    let mut next = Memory::open(options, || ()).unwrap();
    drain_until(&mut next, |event| matches!(event, Event::Ready)).unwrap();
    assign(&mut next, "2");
    drain_until(&mut next, |event| matches!(event, Event::Acknowledged { .. })).unwrap();
}

#[test]
fn of_the_task_behind_a_connection() {
    let mut server = RedisServer::absent(&[]);
    let armed = Arc::new(AtomicBool::new(false));
    let mut memory = Memory::open(OpenOptions::new(server.url()), panicking_wake("synced-memory-io", &armed)).unwrap();
    drain_until(&mut memory, |event| matches!(event, Event::Disconnected(_))).unwrap();
    armed.store(true, Ordering::Relaxed);
    server.restart();
    expect_failure(&mut memory);

    // The I/O thread goes on.
    let mut next = Memory::open(OpenOptions::new(server.url()), || ()).unwrap();
    drain_until(&mut next, |event| matches!(event, Event::Ready)).unwrap();
}
