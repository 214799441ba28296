//! One run: the server, the clients, and time; each step of a scenario, and the quiet after it.

use crate::client::Client;
use crate::clock::Clock;
use crate::failure::{Check, ensure, fail};
use crate::ledger::{Ledger, Promises};
use crate::random::Random;
use crate::scenario::{Action, Scenario, Step};
use crate::server::Server;
use crate::tree::Tree;
use crate::workload::json;
use crate::{ATTRIBUTES, Options};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use synced_memory_core::document::{Content, Node};
use synced_memory_core::mutation::Mutation;

/// More exchanges than any run needs to come to rest.
const MOST_ROUNDS: usize = 20_000;
/// What a step takes at most, in nanoseconds.
const STEP_NS: usize = 2_000_000;

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Ledger,
    pub(crate) promises: Promises,
    /// Since the beginning.
    pub(crate) passed_ns: u64,
    /// What the present step draws from.
    pub(crate) random: Random,
    pub(crate) foreign_clock: Clock,
    /// What foreign writers have read and not yet written.
    pub(crate) foreign_reads: BTreeMap<String, Tree>,
    /// What happened, for people.
    pub(crate) trace: Option<Trace>,
}

/// Lines that outlive a panic.
pub(crate) type Trace = Rc<RefCell<Vec<String>>>;

/// Note something for people, if they want to know.
macro_rules! note {
    ($world:expr, $($format:tt)*) => {
        if let Some(trace) = &$world.trace { trace.borrow_mut().push(format!($($format)*)); }
    };
}
pub(crate) use note;

impl World {
    pub(crate) fn new(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Self {
        let mut ledger = Ledger::default();
        let clients = (0..scenario.clients).map(|index| {
            let clock_seed = scenario.seed ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            Client::new(ledger.begin_life(), &mut Random::new(clock_seed))
        });
        let clients = clients.collect();
        Self {
            server: Server::new(scenario.keeps_data()),
            clients,
            ledger,
            promises: Promises {
                kept: scenario.keeps_data(),
                once: !scenario.has(Action::Forget) && !scenario.has(Action::Lose),
                intent: options.intent,
            },
            passed_ns: 0,
            random: Random::new(scenario.seed),
            foreign_clock: Clock::running(&mut Random::new(!scenario.seed)),
            foreign_reads: BTreeMap::new(),
            trace,
        }
    }

    pub(crate) fn take(&mut self, step: Step) -> Check {
        self.random = Random::new(step.draw);
        self.passed_ns += 1 + self.random.below(STEP_NS) as u64;
        let i = step.client;
        note!(self, "-- {} {i}", step.action.name());
        match step.action {
            Action::Change
            | Action::Log
            | Action::Key
            | Action::Register
            | Action::Task
            | Action::Add
            | Action::Transfer
            | Action::Batch => self.work(i, step.action),
            Action::Refresh => self.refresh(i),
            Action::Serve => self.several(i, Self::serve),
            Action::Take => self.several(i, Self::take_reply),
            Action::ServeLate => self.several(i, Self::serve_late),
            Action::Notify => self.several(i, Self::notify),
            Action::Connect => self.connect(i).map(drop),
            Action::Wait => self.wait(),
            Action::Cut => self.cut(i),
            Action::Stall => {
                use crate::client::Health::{LosesCommands, LosesReplies};
                let health = if self.random.one_in(2) { LosesCommands } else { LosesReplies };
                if let Some(connection) = &mut self.clients[i].connection {
                    connection.health = health;
                    note!(self, "{i} {health:?}");
                }
                Ok(())
            }
            Action::Clock => {
                self.clients[i].clock.disturb(&mut self.random, self.passed_ns);
                Ok(())
            }
            Action::Crash => self.crash(i),
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
            Action::ForeignRead | Action::ForeignWrite | Action::ForeignDelete | Action::ForeignGarbage => {
                self.foreign(step.action);
                Ok(())
            }
            Action::Snapshot => {
                self.server.save();
                Ok(())
            }
            Action::Restore => {
                if self.server.restore() {
                    note!(self, "the server is back at its snapshot");
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

    /// End all faults, let everything arrive, and compare.
    pub(crate) fn quiesce(&mut self) -> Check {
        note!(self, "-- quiet");
        self.server.busy = 0;
        self.server.refuses = false;
        self.rest()?;
        // Nobody has to ask for that: time is enough.
        self.check_settled()?;
        for i in 0..self.clients.len() {
            self.refresh(i)?;
        }
        self.rest()?;
        self.check_settled()?;
        self.check_end()
    }

    fn refresh(&mut self, i: usize) -> Check {
        let revisions = self.server.revisions();
        let client = &mut self.clients[i];
        let ticket = client.session.refresh(None);
        client.tickets.insert(ticket.0, revisions);
        self.drain(i)
    }

    /// Until nothing moves any more.
    fn rest(&mut self) -> Check {
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for i in 0..self.clients.len() {
                moved |= self.connect(i)? | self.serve(i)? | self.take_reply(i)? | self.notify(i)?;
            }
            for i in 0..self.clients.len() {
                moved = moved || self.serve_late(i)?;
            }
            if moved {
                continue;
            }
            let Some(due) = self.clients.iter().filter_map(|client| client.session.poll_timeout()).min() else {
                return Ok(());
            };
            self.passed_ns = self.passed_ns.max(due * 1_000_000);
            self.tick()?;
        }
        fail("rest", "it does not come to rest")
    }

    fn check_settled(&self) -> Check {
        for client in &self.clients {
            let life = &self.ledger.lives[client.life];
            let is_done = client.session.first_pending().is_none() && life.settled == life.made;
            ensure(is_done, "settled", || {
                format!("w{} has {} of {} acknowledged at the end", client.life, life.settled, life.made)
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
                    format!("w{} does not know whether {name} can be read", client.life)
                })?;
                let own = client.session.value(name);
                let told = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                ensure(own == value.as_ref(), "agree", || {
                    let (own, stored) = (own.map(Node::to_text), value.as_ref().map(Node::to_text));
                    format!("w{} has {} for {name}, stored is {}", client.life, told(own), told(stored))
                })?;
                let told = client.told.get(name).copied().flatten();
                for own in [client.session.revision(name), told] {
                    ensure(own == revision, "agree", || {
                        format!("w{} has {name} at {own:?}, stored is {revision:?}", client.life)
                    })?;
                }
            }
            if let Some(value) = value {
                values.insert(name.to_owned(), Tree::of(&value));
            }
        }
        for client in &self.clients {
            ensure(client.is_up, "connected", || format!("w{} does not say that it is connected", client.life))?;
            ensure(client.tickets.is_empty(), "refreshed", || {
                format!("w{} still waits for refreshes {:?}", client.life, client.tickets.keys())
            })?;
        }
        if self.promises.kept {
            self.server.check_accounts()?;
        }
        self.ledger.check(&values, self.promises)
    }
}

/// Take all steps of a scenario, and see that all is well in the end.
pub(crate) fn run(scenario: &Scenario, options: Options, trace: Option<Trace>) -> Check {
    let mut world = World::new(scenario, options, trace);
    scenario.steps.iter().try_for_each(|step| world.take(*step))?;
    world.quiesce()
}
