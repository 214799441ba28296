//! A seeded simulator: sessions of the real core, the in-process store as their server, faults between them, and checks
//! that must hold whatever happens.
//!
//! A seed generates a [`Scenario`]: 2 to 5 clients and a list of [`Step`]s. Each step is an [`Action`] and the seed of its
//! details. Every selection of the steps is a run too, so a failure is shrunk by removing steps. Nothing else is random: a
//! seed, or a saved scenario, always gives the same run.
//!
//! # Faults and work
//!
//! - Work: all kinds of mutations of lists, dicts, nested containers and whole attributes, one at a time or several in a
//!   commit; logs that are only appended to; keys that are set once and removed for good; registers that only their owner
//!   counts up; a list of tasks that only their owner edits and removes, while all clients insert; a queue that all clients
//!   fill and take elements from; transfers between accounts, as batches of increments and as transactions; two attributes
//!   that are only assigned together. The commits of some clients have no mutations in their delta messages.
//! - Network: commands, replies and notices are delivered in order on a connection, each at its own time. A connection is
//!   lost with messages on their way in either direction. Commands of an abandoned connection arrive late, also after the
//!   client has sent them again on the next one. A half-open connection loses one direction until the session's own time
//!   limit resets it.
//! - Clocks: wrong by up to an hour, stopped, restarted, jumping back and forth.
//! - Clients: crash and restart as another writer, while their commands are still on their way. In a third of the seeds, every
//!   other client keeps a journal, of some with little room. It also crashes between any two outputs, in the middle of mutations
//!   or of a write, and goes on from the journal as the same writer.
//! - Server: restarts; is busy; refuses a commit for good; expires dedup keys that are not needed any more. In a quarter of
//!   the seeds it may also lose everything, restore a snapshot (a fail-over to a replica that had less), or expire dedup
//!   keys too early.
//!   In a third of the seeds it may evict dedup keys at any moment, and then reports such a policy, or none.
//! - A hostile publisher, which receives the delta messages and publishes forged, changed and old ones.
//! - Foreign writers: replace documents as Python writes them, some time after they read them; delete documents; store
//!   bytes that are not a document.
//!
//! # Checks
//!
//! After every step, for the client that took it:
//! - `mirror`: a model that applies the reported changes and the local mutations equals the session's value.
//! - `whole`: the accounts that a client shows add up to zero, and two attributes that are only assigned together are the same,
//!   from the moment on at which it has loaded them.
//! - `same-revision`: with nothing pending, an attribute's value is the one that was stored at its revision.
//! - `event`: the revision and the length in events are the session's.
//! - `refreshed`: a completed refresh, or a new connection, brought at least what was stored when it began.
//! - `regression`: a revision goes backwards only with a regression event, and only after a deletion, a foreign writer or a
//!   loss.
//! - `taken`: no two clients are given the same element of the queue, and it is not stored any more.
//! - `settled`, `acknowledged`: acknowledgements only grow, and an acknowledged item is stored at that moment.
//! - `journal`: the mutations that a client restores from its journal are ones that were stored there.
//! - `unknown`: an outcome is unknown only where the reply was lost and the dedup key may have been.
//! - `conflict`, `rejected`, `gone`, `internal`, `mutate`: no event and no refusal without a cause.
//!
//! After every commit that the server applies:
//! - `stored`: the stored text is a full print of the value, followed by spaces.
//! - `revision`: the revision is the commit's, and higher than the one before. `grows`: a log is longer and otherwise the
//!   same.
//!
//! At the end, when all faults are over and everything late has arrived, `settled` must hold; and after a refresh of all:
//! - `rest`: the run becomes idle. `connected`: every client reports that it is connected. `agree`: every client has the
//!   server's value and revision.
//! - `settled`: every mutation is acknowledged or given up.
//! - `lost`, `exactly-once`: logs contain every acknowledged item, each once and in its writer's order, and one whose outcome was
//!   reported as unknown once or not at all; of a crashed client,
//!   the first items up to some one; of one that went on from its journal, those that were stored in it, and no others.
//!   `at-most-once`: each item at most once, even if the server restored a snapshot.
//! - `taken`: every element of the queue is stored once, or was given to one client. It may be neither only where the reply
//!   was lost that would have given it: of a client that crashed, or of a take whose outcome was reported as unknown.
//! - `register`: the last acknowledged count, or a later one. `deleted-is-back`: a removed key stays removed.
//! - `transfer`: the balances of all accounts add up to zero, also after every group.
//! - `intent`: every task is stored once unless its owner removed it, with its owner's edits (see
//!   [`INTENT_BY_TRANSFORMATION`]).
//!
//! With every sixteenth seed, writers of different speeds change one dict at the same time:
//! - `progress`: each of them commits its part.
//!
//! # Limits
//!
//! - Sockets, RESP, Lua and real servers are not simulated; `tests/` and `crates/native` test them. The store here follows
//!   the same rules as the scripts, by the same contract vectors.
//! - Two clocks never give the same nanosecond by chance, as clocks of a coarse resolution do. A revision that occurs again
//!   after a deletion or a loss, because a clock is behind, is tolerated: a replica that was away all that time, and held a
//!   document of the same length, would not notice.
//! - If the server lost data, the remains of acknowledged mutations are not checked. If it lost everything, a replica may
//!   store again what another replica sent without an answer and sends again; the duplicate is tolerated.
//! - What a client shows after it was restored from its journal and before it is connected is not checked by `whole` and
//!   `same-revision`. No write that was stored in a journal is lost, as after a power cut without `fsync`.
//! - Documents of more than a few kilobytes, size limits, bounds of pending mutations and several memories are not simulated.
//! - The host around a session, with its threads, queues and reconnection, is not simulated.
#![forbid(unsafe_code)]

mod client;
mod client_actions;
mod client_events;
mod client_invariants;
mod delivery;
mod environment;
mod failure;
mod fairness;
mod faulty_clock;
mod history;
mod hostile_publisher;
mod model_value;
mod queue_record;
mod random;
mod random_mutation;
mod recovery;
mod scenario;
mod server;
mod session_record;
mod shrink;
mod simulation;
mod stored_journal;

pub use failure::Failure;
pub use scenario::{Action, Scenario, Step};
pub use shrink::shrink;

use simulation::Trace;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// True if mutations of lists follow their elements when other clients insert and remove. If false, the model of tasks is
/// not checked.
pub const INTENT_BY_TRANSFORMATION: bool = true;

const PREFIX: &str = "memory:";
/// All attributes: two that take any mutation, then those with a model.
const ATTRIBUTES: [&str; 14] = [
    "data0",
    "data1",
    "log0",
    "log1",
    "keys",
    "regs",
    "counters",
    "queue",
    "acc0",
    "acc1",
    "acc2",
    TWINS[0],
    TWINS[1],
    INTENT_ATTRIBUTE,
];
/// Their balances always add up to zero.
const ACCOUNTS: [&str; 3] = ["acc0", "acc1", "acc2"];
/// Two attributes that are only assigned together.
const TWINS: [&str; 2] = ["twin0", "twin1"];
const INTENT_ATTRIBUTE: &str = "tasks";

fn is_unmodelled(name: &str) -> bool {
    name.starts_with("data") || TWINS.contains(&name)
}

/// Optional checks.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Check the model of tasks.
    pub intent: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { intent: INTENT_BY_TRANSFORMATION }
    }
}

/// Runs a scenario. A panic counts as a failure.
pub fn run(scenario: &Scenario, options: Options) -> Result<(), Failure> {
    run_with(scenario, options, None)
}

/// Runs a scenario and returns its trace, up to the failure if there is one.
pub fn trace(scenario: &Scenario, options: Options) -> (Result<(), Failure>, Vec<String>) {
    let trace = Trace::default();
    let result = run_with(scenario, options, Some(trace.clone()));
    (result, trace.take())
}

fn run_with(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| simulation::run(scenario, options, trace))).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("no text");
        Err(Failure { check: "panic", detail: text.to_owned() })
    })
}
