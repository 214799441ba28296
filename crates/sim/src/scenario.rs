//! A run as data. Each step can be taken in every state, so every selection of a scenario's steps is a scenario too.

use crate::random::Random;
use serde_json::Value;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The kind of a step. Its details are drawn from the step's own seed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Action { $($(#[$doc])* $variant,)* }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in saved runs and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

actions! {
    /// Make any mutation of an attribute without a model.
    Change "change",
    /// Append unique items to a log.
    Log "log",
    /// Set a unique key, or remove one.
    Key "key",
    /// Count up the client's own key.
    Register "register",
    /// Push, insert, remove or edit an own item of a list that other clients push and insert into.
    Task "task",
    /// Add to a number that other clients add to.
    Add "add",
    /// Add an element to a queue, or take one.
    Queue "queue",
    /// Transfer between two accounts.
    Transfer "transfer",
    /// Make several mutations in one group.
    Batch "batch",
    /// Refresh all attributes.
    Refresh "refresh",
    /// The server executes commands of the client's connection.
    Serve "serve",
    /// The client receives answers.
    Take "take",
    /// The client receives notices: deltas and invalidations.
    Notify "receive_notice",
    /// The client connects, if it has no connection.
    Connect "connect",
    /// Time passes.
    Wait "wait",
    /// The connection is lost; commands on their way may still arrive.
    Cut "cut",
    /// The server executes a late command of an abandoned connection.
    ServeLate "serve-late",
    /// The connection silently stops delivering in one direction.
    Stall "stall",
    /// The client's wall clock stops, restarts or jumps.
    Clock "clock",
    /// The client crashes and restarts as another writer.
    Crash "crash",
    /// The server restarts with its data.
    Restart "restart",
    /// The server answers a few commands as busy.
    Busy "busy",
    /// The server refuses a commit for good.
    Refuse "refuse",
    /// A dedup key expires, of whose commit no copy is left.
    Expire "expire",
    /// A foreign writer reads a document.
    ForeignRead "foreign-read",
    /// A foreign writer writes a whole document, based on its last read.
    ForeignWrite "foreign-write",
    /// A foreign writer deletes a document.
    ForeignDelete "foreign-delete",
    /// A foreign writer stores something that is not a document.
    ForeignGarbage "foreign-garbage",
    /// The hostile publisher publishes a delta message.
    Forge "forge",
    /// The server takes a snapshot of all data.
    Snapshot "snapshot",
    /// The server restores its snapshot.
    Restore "restore",
    /// The server loses everything.
    Lose "lose",
    /// All dedup keys expire, even those of commits that are not acknowledged.
    Forget "forget",
    /// The server evicts some dedup keys, also those of commits that are not acknowledged.
    Evict "evict",
    /// A client with a journal crashes, and goes on from it as the same writer.
    Recover "recover",
}

/// One step of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The kind of step.
    pub action: Action,
    /// Index of the client, for actions that have one.
    pub client: usize,
    /// Seed of the random numbers that the action draws.
    pub draw: u64,
}

/// A run: its clients and steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// The seed of the scenario and of the clocks.
    pub seed: u64,
    /// Number of clients.
    pub clients: usize,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Generates the scenario of a seed. Each seed has its own mixture of work and faults. Many lack one kind of fault
    /// entirely, so that it cannot hide the effects of the others.
    pub fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let clients = 2 + random.below(4);
        let mut weights = Vec::new();
        let loses_data = random.one_in(4);
        let evicts = random.one_in(3);
        // In a third of the seeds, some clients keep a journal.
        let recoveries = if seed % 3 == 1 { 1 + random.below(4) } else { 0 };
        for &action in Action::ALL {
            let weight = match action {
                Action::Serve | Action::Take => 20 + random.below(20),
                Action::Connect => 6,
                Action::Change
                | Action::Log
                | Action::Key
                | Action::Register
                | Action::Task
                | Action::Add
                | Action::Queue
                | Action::Transfer
                | Action::Batch => *random.pick(&[0, 4, 10]),
                Action::Snapshot | Action::Restore | Action::Lose | Action::Forget => {
                    usize::from(loses_data) * random.below(3)
                }
                Action::Evict => usize::from(evicts) * (1 + random.below(4)),
                Action::Recover => recoveries,
                Action::Notify | Action::ServeLate | Action::Cut | Action::ForeignRead | Action::ForeignWrite => {
                    *random.pick(&[0, 2, 5])
                }
                Action::Forge | Action::Refresh | Action::Wait | Action::Stall | Action::Clock | Action::Crash => {
                    *random.pick(&[0, 1, 3])
                }
                _ => random.below(2),
            };
            weights.push((action, weight));
        }
        let total: usize = weights.iter().map(|(_, weight)| weight).sum();
        let length = (40 + random.below(120)) * if random.one_in(16) { 8 } else { 1 };
        let steps = (0..length).map(|_| {
            let action = draw(&weights, random.below(total));
            Step { action, client: random.below(clients), draw: random.next() >> 32 }
        });
        Self { seed, clients, steps: steps.collect() }
    }

    /// True if no step loses acknowledged data or forgets all dedup keys at once. Single dedup keys may be evicted or expire.
    pub fn keeps_data(&self) -> bool {
        !self.has(Action::Restore) && !self.has(Action::Lose) && !self.has(Action::Forget)
    }

    /// True if there is a step of this kind.
    pub fn has(&self, action: Action) -> bool {
        self.steps.iter().any(|step| step.action == action)
    }

    /// The scenario as JSON text, with one step a line.
    pub fn to_json(&self) -> String {
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|step| format!("    [\"{}\", {}, {}]", step.action.name(), step.client, step.draw))
            .collect();
        let Self { seed, clients, .. } = self;
        format!("{{\n  \"seed\": {seed},\n  \"clients\": {clients},\n  \"steps\": [\n{}\n  ]\n}}\n", steps.join(",\n"))
    }

    /// Parses the text of [`Self::to_json`]. Returns None for any other text.
    pub fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let step = |step: &Value| {
            let name = step.get(0)?.as_str()?;
            let action = *Action::ALL.iter().find(|action| action.name() == name)?;
            Some(Step { action, client: number(step.get(1)?)?, draw: step.get(2)?.as_u64()? })
        };
        let steps = value.get("steps")?.as_array()?.iter().map(step).collect::<Option<Vec<_>>>()?;
        Some(Self { seed: value.get("seed")?.as_u64()?, clients: number(value.get("clients")?)?, steps })
    }
}

/// The action at `at`, if each action takes as many positions as its weight.
fn draw(weights: &[(Action, usize)], mut at: usize) -> Action {
    for &(action, weight) in weights {
        if at < weight {
            return action;
        }
        at -= weight;
    }
    Action::Serve
}
