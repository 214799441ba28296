//! Progress under contention: several writers change one dict all the time, or two, over connections of which one is much
//! faster. Some make batches and transactions on both. Every writer must commit at least a fair part, whatever the order of
//! deliveries.

use crate::client::writer_id;
use crate::failure::{Check, ensure};
use crate::random::Random;
use std::collections::VecDeque;
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{Config, MAX_COMMIT_SIZE, TransportLifetime};
use synced_memory_core::document::add;
use synced_memory_core::ids::GroupId;
use synced_memory_core::mutation::{Json, Mutation};
use synced_memory_core::protocol::{Command, DEDUP_KEY_SECONDS, DeltaDelivery, Invalidations, RequestId};
use synced_memory_core::session::{Event, GroupMutations, Input, Output, Session};
use synced_memory_core::time::{Instant, Now};

/// The length of a run. A step is a tenth of a millisecond. The races that each writer loses before it may reserve a commit
/// take a small part of that time.
const STEPS: u64 = 3_000;

/// Every writer gets at least its fair share divided by this. Those on slow connections have no use for all of it.
const SHARE: usize = 8;

/// The fast writer is served so many times as often as another.
const ADVANTAGE: usize = 20;

const NAMES: [&str; 2] = ["one", "two"];

/// The work of a writer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Mutations of the first dict.
    One,
    /// Mutations of either dict, each in a commit of its own.
    Either,
    /// Batches of a mutation of each dict.
    Batches,
    /// Transactions that change the first dict and read the second.
    Transactions,
    /// Transactions that read both dicts.
    Reads,
}

struct Writer {
    work: Work,
    /// Whether a batch or transaction is not settled.
    has_open_group: bool,
    session: Session,
    commands: VecDeque<(RequestId, Command)>,
    /// Deltas and answers on their way, in order.
    inputs: VecDeque<Input>,
    commits: usize,
    mutations: usize,
    timeout: Option<Instant>,
}

/// Checks the progress of writers whose number and speeds the seed chooses.
pub(crate) fn check(seed: u64) -> Check {
    let random = &mut Random::new(seed);
    let count = 3 + random.below(6);
    let mut server = MemoryStore::new();
    let has_groups = random.one_in(2);
    let work = |i: usize| match [Work::Either, Work::Transactions, Work::Batches, Work::Reads].get(i) {
        Some(work) if has_groups => *work,
        _ => Work::One,
    };
    let mut writers: Vec<Writer> = (0..count).map(|i| Writer::new(i, work(i))).collect();
    // The document is longer than the text that a stale commit brings.
    let value = format!("{{\"start\":\"{}\"}}", "x".repeat(5_000));
    for i in 0..count {
        writers[i].handle(now(0), Input::Notifications(DeltaDelivery::InOrder, Invalidations::None));
        writers[i].handle(now(0), Input::Connected);
        if i == 0 {
            for name in NAMES {
                writers[i].mutate(now(0), name, Mutation::Assign { value: Json(value.as_str().into()) });
            }
        }
        while !writers[i].inputs.is_empty() || !writers[i].commands.is_empty() {
            serve_one(&mut writers, i, &mut server, now(0));
            writers[i].take_all(now(0));
        }
    }
    writers[0].commits = 0;
    for step in 1..=STEPS {
        let i = if random.one_in(2) { 0 } else { random.below(count) };
        // The first writer's commands and answers are never late.
        for _ in 0..if i == 0 { ADVANTAGE } else { 1 } {
            writers[i].take_all(now(step));
            serve_one(&mut writers, i, &mut server, now(step));
        }
        let writer = &mut writers[i];
        if writer.timeout.is_some_and(|at| at <= now(step).monotonic) {
            writer.handle(now(step), Input::Tick);
        }
        writer.go_on(now(step), i);
    }
    let least = writers.iter().map(|writer| writer.commits).min().unwrap_or_default();
    let all: usize = writers.iter().map(|writer| writer.commits).sum();
    let has_share = least > 0 && least * count * SHARE >= all;
    ensure(has_share, "progress", || format!("{} commits of {count} writers", counts(&writers)))
}

fn counts(writers: &[Writer]) -> String {
    let counts: Vec<String> = writers.iter().map(|writer| writer.commits.to_string()).collect();
    counts.join(", ")
}

fn now(step: u64) -> Now {
    Now { unix_ns: 1_763_000_000_000_000_000 + step * 100_000, monotonic: Instant(step / 10) }
}

/// The server executes one command of a writer. All writers receive the deltas in the order of the commits.
fn serve_one(writers: &mut [Writer], i: usize, server: &mut MemoryStore, now: Now) {
    let Some((id, command)) = writers[i].commands.pop_front() else { return };
    let Ok(Execution { answer, deltas }) = execute(server, &command, now.unix_ns / 1_000_000);
    if !deltas.is_empty() {
        for writer in writers.iter_mut() {
            writer.inputs.push_back(Input::Deltas(deltas.clone()));
        }
    }
    writers[i].inputs.push_back(Input::Answer(id, answer));
}

impl Writer {
    fn new(index: usize, work: Work) -> Self {
        let session = Session::new(Config {
            prefix: "memory:".into(),
            secret: None,
            names: Some(NAMES.map(str::to_owned).to_vec()),
            writer: writer_id(index),
            host: None,
            max_document_bytes: ByteLen(1 << 26),
            max_commit_size: MAX_COMMIT_SIZE,
            dedup_key_seconds: DEDUP_KEY_SECONDS,
            transport_lifetime: TransportLifetime::Process,
            ttl_ms: None,
            publishes_deltas: true,
            notes_names: false,
            poll_interval_ms: None,
            seed: index as u64,
            add,
            history: None,
            max_absent_attributes: 0,
        });
        let (commands, inputs) = (VecDeque::new(), VecDeque::new());
        Self { work, has_open_group: false, session, commands, inputs, commits: 0, mutations: 0, timeout: None }
    }

    fn take_all(&mut self, now: Now) {
        while let Some(input) = self.inputs.pop_front() {
            self.handle(now, input);
        }
    }

    fn handle(&mut self, now: Now, input: Input) {
        self.session.handle(now, input);
        self.drain(now);
    }

    /// Makes the next mutations, unless earlier ones are not settled.
    fn go_on(&mut self, now: Now, index: usize) {
        let is_ready = NAMES.iter().all(|name| self.session.value(name).is_some());
        if !is_ready || self.has_open_group || self.session.first_pending().is_some() {
            return;
        }
        self.mutations += 1;
        let key = format!("w{index}-{}", self.mutations % 8).as_str().into();
        let value = Json(self.mutations.to_string().into());
        let set = Mutation::Set { path: Vec::new(), key, value };
        let [one, two] = NAMES.map(str::to_owned);
        match self.work {
            Work::One => self.mutate(now, &one, set),
            Work::Either => self.mutate(now, NAMES[self.mutations % 2], set),
            Work::Batches => self.group(now, false, Vec::new(), vec![(one, set.clone()), (two, set)]),
            Work::Transactions => self.group(now, true, vec![two], vec![(one, set)]),
            Work::Reads => self.group(now, true, vec![one, two], Vec::new()),
        }
    }

    fn mutate(&mut self, now: Now, name: &str, mutation: Mutation) {
        // A mutation of the document as it is here always fits.
        let _ = self.session.mutate(name, mutation);
        self.drain(now);
    }

    fn group(&mut self, now: Now, strict: bool, reads: Vec<String>, mutations: Vec<(String, Mutation)>) {
        let id = GroupId(self.mutations as u64);
        self.has_open_group = true;
        let group = GroupMutations { id, strict, relies_on_names: false, reads, mutations };
        let _ = self.session.mutate_group(group, now);
        self.drain(now);
    }

    fn drain(&mut self, now: Now) {
        loop {
            match self.session.poll_output(now) {
                Output::Command(id, command) => self.commands.push_back((id, command)),
                Output::Event(Event::Acknowledged { .. }) if !self.has_open_group => self.commits += 1,
                Output::Event(Event::GroupCommitted(_)) => {
                    self.has_open_group = false;
                    self.commits += 1;
                }
                Output::Event(Event::GroupAborted { .. }) => self.has_open_group = false,
                Output::Event(_) | Output::Reset | Output::Journal(_) => {}
                Output::Timeout(timeout) => {
                    self.timeout = timeout;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_writer_commits_its_part() {
        for seed in 1..=5 {
            super::check(seed).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        }
    }
}
