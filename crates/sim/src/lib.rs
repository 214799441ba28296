//! A seeded simulator: sessions of the real core, the in-process store as their server, faults in
//! between, and checks of what must be true whatever happens.
//!
//! A seed makes a [`Scenario`]: 2 to 5 clients and a list of [`Step`]s, each a thing that happens and a
//! number from which its details are drawn when it happens. So every selection of the steps is a run,
//! too, and a failure is shrunk by leaving steps out. Nothing else is random: a seed, or a saved
//! scenario, always gives the same run.
//!
//! # What happens
//!
//! - Work: all kinds of mutations of lists, dicts, nested containers and whole attributes, one at a time
//!   or several in a commit; logs that are only appended to; keys that are set once and taken out for
//!   good; registers that only their owner counts up; a list of tasks that only their owner edits and
//!   removes, while all insert; transfers between two accounts, as batches that add and as transactions.
//! - The network: commands, replies and notices of changes wait for their turn, in order on a
//!   connection; connections are lost with anything on the way in either direction; commands of a
//!   connection that was given up arrive late, also after the client has sent them again on the next;
//!   half-open connections lose one direction until the session's own time limit resets them.
//! - Clocks: wrong by up to an hour, standing, going on, jumping back and forth.
//! - Clients: crash and begin again as another writer, while their commands are still on the way.
//! - The server: restarts; is busy; refuses a commit for good; forgets idempotency keys that nobody needs
//!   any more. In a quarter of the seeds it may also lose everything, go back to a copy (a fail-over to a
//!   replica that had less), or forget idempotency keys too early.
//! - Foreign writers: replace documents as Python writes them, with a read some time before the write;
//!   delete documents; store what is not a document.
//!
//! # What is checked
//!
//! At every step, of the client that took it:
//! - `mirror`: a plain tree that is told the session's changes and the local mutations is its value.
//! - `same-revision`: with nothing pending, an attribute's value is what was stored at its revision.
//! - `event`: the revision and the length that events tell are the session's.
//! - `refreshed`: what was stored when a refresh, or a connection, began is here when it is done.
//! - `regression`: a revision goes back only with an event that says so, and only after a deletion, a
//!   foreign writer or a loss.
//! - `settled`, `acknowledged`: acknowledgements only go up, and what they speak of is stored at that
//!   moment.
//! - `conflict`, `rejected`, `gone`, `internal`, `mutate`: no event and no refusal without a cause.
//!
//! At every commit that the server applies:
//! - `stored`: the stored text is a full print of the value, and spaces.
//! - `revision`: it is the commit's, and above the one before. `grows`: a log is longer, and otherwise the same.
//!
//! At the end, when all faults are over and everything late has arrived, `settled` holds; and when all have refreshed:
//! - `rest`: nothing moves any more. `connected`: all say that they are. `agree`: all have the value and the revision that the server has.
//! - `settled`: every mutation is acknowledged or given up.
//! - `lost`, `exactly-once`: logs hold every acknowledged item, and every item once, in its writer's order;
//!   of a crashed client, the items up to some one. `at-most-once`: this much also where the server went back to a copy.
//! - `register`: the last acknowledged count or a later one. `deleted-is-back`: what was taken out is out.
//! - `transfer`: two accounts hold nothing together, also whenever a group was applied.
//! - `intent`: every task is there once unless its owner removed it, and holds its owner's edits (see
//!   [`INTENT_BY_TRANSFORMATION`]).
//!
//! # What is not covered
//!
//! - Sockets, RESP, Lua and real servers: the tests in `tests/` and `crates/native` do that. The store
//!   here follows the same rules as the scripts, by the same contract suite.
//! - Clocks of which two give the same nanosecond by chance, as clocks of a coarse resolution do. A
//!   revision that comes again after a deletion or a loss, because a clock is behind, is tolerated: a
//!   replica that was away all that time and held a document of the same length would not notice.
//! - Acknowledged mutations where the server lost data: what remains of them is not checked. Where it lost
//!   everything, a replica may store again what another has sent without an answer and sends again: then it is there
//!   twice, and this is tolerated.
//! - Documents over a few kilobytes, limits of sizes and of what may be pending, several memories.
//! - The host around a session: its threads, queues and how it reconnects.
#![forbid(unsafe_code)]

mod client;
mod clock;
mod failure;
mod ledger;
mod network;
mod random;
mod scenario;
mod server;
mod shrink;
mod tree;
mod troubles;
mod watch;
mod work;
mod workload;
mod world;

pub use failure::Failure;
pub use scenario::{Action, Scenario, Step};
pub use shrink::shrink;

use std::panic::{AssertUnwindSafe, catch_unwind};
use world::Trace;

/// Do mutations of lists follow their elements when others insert and remove? Where they do not, the
/// model of intent is not checked.
pub const INTENT_BY_TRANSFORMATION: bool = true;

const PREFIX: &str = "memory:";
/// All attributes: two that everyone may do anything to, then those with a model.
const ATTRIBUTES: [&str; 11] =
    ["data0", "data1", "log0", "log1", "keys", "regs", "sums", "acc0", "acc1", "acc2", INTENT_ATTRIBUTE];
/// What they hold together is always nothing.
const ACCOUNTS: [&str; 3] = ["acc0", "acc1", "acc2"];
const INTENT_ATTRIBUTE: &str = "tasks";

fn is_wild(name: &str) -> bool {
    name.starts_with("data")
}

/// What is checked beside what always is.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The model of intent for lists.
    pub intent: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { intent: INTENT_BY_TRANSFORMATION }
    }
}

/// Run a scenario. A panic is a failure, too.
pub fn run(scenario: &Scenario, options: Options) -> Result<(), Failure> {
    run_with(scenario, options, None)
}

/// Run a scenario and tell what happens in it, as far as it goes.
pub fn trace(scenario: &Scenario, options: Options) -> (Result<(), Failure>, Vec<String>) {
    let trace = Trace::default();
    let result = run_with(scenario, options, Some(trace.clone()));
    (result, trace.take())
}

fn run_with(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| world::run(scenario, options, trace))).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("no text");
        Err(Failure { check: "panic", detail: text.to_owned() })
    })
}
