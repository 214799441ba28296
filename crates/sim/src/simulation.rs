//! One run: the server, the clients and time, the steps of a scenario, and the checks at its end.

use crate::client::Client;
use crate::failure::{Check, ensure, fail};
use crate::fairness;
use crate::faulty_clock::FaultyClock;
use crate::history::{Guarantees, History};
use crate::hostile_publisher::HostilePublisher;
use crate::model_value::ModelValue;
use crate::random::Random;
use crate::random_mutation::json;
use crate::scenario::{Action, Scenario, Step};
use crate::server::Server;
use crate::{ATTRIBUTES, Options};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use synced_memory_core::document::{Content, Node};
use synced_memory_core::mutation::Mutation;
use synced_memory_core::protocol::EvictionPolicy;

/// Upper bound of the rounds in which a run must become idle.
const MAX_ROUNDS: usize = 20_000;
/// Upper bound of the time that one step takes, in nanoseconds.
const MAX_STEP_NS: usize = 2_000_000;

pub(crate) struct Simulation {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    pub(crate) history: History,
    pub(crate) guarantees: Guarantees,
    /// Nanoseconds since the start of the run.
    pub(crate) passed_ns: u64,
    /// Random numbers of the current step.
    pub(crate) random: Random,
    pub(crate) foreign_clock: FaultyClock,
    /// Documents that foreign writers have read and not written yet.
    pub(crate) foreign_reads: BTreeMap<String, ModelValue>,
    pub(crate) hostile_publisher: HostilePublisher,
    /// The trace of the run, if one is wanted.
    pub(crate) trace: Option<Trace>,
}

/// Lines of a trace, which outlive a panic.
pub(crate) type Trace = Rc<RefCell<Vec<String>>>;

/// Adds a line to the trace, if one is wanted.
macro_rules! trace {
    ($simulation:expr, $($format:tt)*) => {
        if let Some(trace) = &$simulation.trace { trace.borrow_mut().push(format!($($format)*)); }
    };
}
pub(crate) use trace;

impl Simulation {
    pub(crate) fn new(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Self {
        let mut history = History::default();
        let clients = (0..scenario.clients).map(|index| {
            let clock_seed = scenario.seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut client = Client::new(history.begin_session(), &mut Random::new(clock_seed));
            if scenario.has(Action::Recover) && index.is_multiple_of(2) {
                client.keep_journal(0);
            }
            client
        });
        let clients = clients.collect();
        Self {
            server: Server::new(scenario.keeps_data(), eviction_policy(scenario)),
            clients,
            history,
            guarantees: Guarantees {
                keeps_data: scenario.keeps_data(),
                keeps_dedup_keys: !scenario.has(Action::Forget) && !scenario.has(Action::Lose),
                intent: options.intent,
            },
            passed_ns: 0,
            random: Random::new(scenario.seed),
            foreign_clock: FaultyClock::running(&mut Random::new(!scenario.seed)),
            foreign_reads: BTreeMap::new(),
            hostile_publisher: HostilePublisher::default(),
            trace,
        }
    }

    /// Runs one step.
    pub(crate) fn run_step(&mut self, step: Step) -> Check {
        self.random = Random::new(step.draw);
        self.passed_ns += 1 + self.random.below(MAX_STEP_NS) as u64;
        let i = step.client;
        trace!(self, "-- {} {i}", step.action.name());
        match step.action {
            Action::Change
            | Action::Log
            | Action::Key
            | Action::Register
            | Action::Task
            | Action::Add
            | Action::Queue
            | Action::Transfer
            | Action::Batch => self.work(i, step.action),
            Action::Refresh => self.refresh(i),
            Action::Serve => self.repeat(i, Self::serve_command),
            Action::Take => self.repeat(i, Self::receive_reply),
            Action::ServeLate => self.repeat(i, Self::serve_late_command),
            Action::Notify => self.repeat(i, Self::receive_notice),
            Action::Connect => self.connect(i).map(drop),
            Action::Wait => self.wait(),
            Action::Cut => self.cut(i),
            Action::Stall => {
                use crate::client::Health::{LosesCommands, LosesReplies};
                let health = if self.random.one_in(2) { LosesCommands } else { LosesReplies };
                if let Some(connection) = &mut self.clients[i].connection {
                    connection.health = health;
                    trace!(self, "{i} {health:?}");
                }
                Ok(())
            }
            Action::Clock => {
                self.clients[i].clock.disturb(&mut self.random, self.passed_ns);
                Ok(())
            }
            Action::Crash => self.crash(i),
            Action::Recover => self.recover(i),
            Action::Restart => self.cut_all(),
            Action::Busy => {
                self.server.busy = 1 + self.random.below(6);
                Ok(())
            }
            Action::Refuse => {
                self.server.refuses = true;
                Ok(())
            }
            Action::Expire => self.expire(),
            Action::Forget => {
                self.server.expire(|_, _| true);
                Ok(())
            }
            Action::Evict => {
                self.evict();
                Ok(())
            }
            Action::ForeignRead | Action::ForeignWrite | Action::ForeignDelete | Action::ForeignGarbage => {
                self.foreign(step.action);
                Ok(())
            }
            Action::Forge => {
                self.publish_forged();
                Ok(())
            }
            Action::Snapshot => {
                self.server.save();
                Ok(())
            }
            Action::Restore => {
                if self.server.restore() {
                    trace!(self, "the server restored its snapshot");
                    return self.cut_all();
                }
                Ok(())
            }
            Action::Lose => {
                self.server.lose_all();
                // FLUSHALL leaves connections as they are.
                if self.random.one_in(2) { Ok(()) } else { self.cut_all() }
            }
        }
    }

    /// Ends all faults, delivers everything, and checks the final state.
    pub(crate) fn quiesce(&mut self) -> Check {
        trace!(self, "-- quiet");
        self.server.busy = 0;
        self.server.refuses = false;
        self.run_until_idle()?;
        // Everything must be settled, and every refresh complete, without another refresh.
        self.check_settled()?;
        for i in 0..self.clients.len() {
            self.refresh(i)?;
        }
        self.run_until_idle()?;
        self.check_settled()?;
        self.check_end()
    }

    fn refresh(&mut self, i: usize) -> Check {
        let revisions = self.server.revisions();
        let client = &mut self.clients[i];
        let id = client.session.refresh(None);
        client.refreshes.insert(id, revisions);
        self.drain(i)
    }

    /// Delivers messages and lets time pass until nothing is left to do.
    fn run_until_idle(&mut self) -> Check {
        for _ in 0..MAX_ROUNDS {
            let mut moved = false;
            for i in 0..self.clients.len() {
                moved |= self.connect(i)? | self.serve_command(i)? | self.receive_reply(i)? | self.receive_notice(i)?;
            }
            for i in 0..self.clients.len() {
                moved = moved || self.serve_late_command(i)?;
            }
            if moved {
                continue;
            }
            let Some(due) = self.clients.iter().filter_map(|client| client.timeout).min() else {
                return Ok(());
            };
            self.passed_ns = self.passed_ns.max(due.0 * 1_000_000);
            self.tick()?;
        }
        fail("rest", "the run does not become idle")
    }

    fn check_settled(&self) -> Check {
        for client in &self.clients {
            let last = client.numbering.last(self.history.sessions[client.session_index].made);
            let is_done = client.session.first_pending().is_none() && client.settled == last;
            ensure(is_done, "settled", || {
                format!("w{} has {} of {last} acknowledged at the end", client.session_index, client.settled)
            })?;
            ensure(client.refreshes.is_empty(), "refreshed", || {
                format!("w{} has unfinished refreshes {:?}", client.session_index, client.refreshes.keys())
            })?;
        }
        Ok(())
    }

    fn check_end(&mut self) -> Check {
        let mut values = BTreeMap::new();
        for name in ATTRIBUTES {
            let content = self.server.content(name);
            let is_readable = !matches!(content, Content::Unreadable { .. });
            let (value, revision) = match content {
                Content::Document { value, revision, .. } => (Some(value), Some(revision)),
                _ => (None, None),
            };
            for client in &self.clients {
                let create = Mutation::Create { value: json("0") };
                ensure(client.session.check(name, &create).is_ok() == is_readable, "agree", || {
                    format!("w{} disagrees with the server whether {name} is readable", client.session_index)
                })?;
                let own = client.session.value(name);
                let or_none = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
                ensure(own == value.as_ref(), "agree", || {
                    let (own, stored) = (own.map(Node::to_text), value.as_ref().map(Node::to_text));
                    format!("w{} has {} for {name}, stored is {}", client.session_index, or_none(own), or_none(stored))
                })?;
                let reported = client.reported_revisions.get(name).copied().flatten();
                for own in [client.session.revision(name), reported] {
                    ensure(own == revision, "agree", || {
                        format!("w{} has {name} at {own:?}, stored is {revision:?}", client.session_index)
                    })?;
                }
            }
            if let Some(value) = value {
                values.insert(name.to_owned(), ModelValue::of(&value));
            }
        }
        for client in &self.clients {
            ensure(client.is_connected, "connected", || {
                format!("w{} does not report that it is connected", client.session_index)
            })?;
        }
        if self.guarantees.keeps_data {
            self.server.check_accounts()?;
        }
        self.history.check(&values, self.guarantees)
    }
}

/// The progress of contending writers is checked with every so many seeds.
const PROGRESS_EVERY: u64 = 16;

/// Runs all steps of a scenario and checks the final state.
pub(crate) fn run(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Check {
    let mut simulation = Simulation::new(scenario, options, trace);
    scenario.steps.iter().try_for_each(|step| simulation.run_step(*step))?;
    simulation.quiesce()?;
    if scenario.seed.is_multiple_of(PROGRESS_EVERY) { fairness::check(scenario.seed) } else { Ok(()) }
}

/// The eviction policy that the server reports, if it reports one.
fn eviction_policy(scenario: &Scenario) -> Option<EvictionPolicy> {
    match (scenario.has(Action::Evict), scenario.seed % 2) {
        (false, _) => Some(EvictionPolicy::NoEviction),
        (true, 0) => Some(EvictionPolicy::ExpiringKeys),
        (true, _) => None,
    }
}
