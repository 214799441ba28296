//! A run as data: steps that mean something in whatever state they are taken, so that every selection
//! of a scenario's steps is a scenario too.

use crate::random::Random;
use serde_json::Value;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// What happens in a step. Whatever is left open is drawn from the step's own number.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Action { $($(#[$doc])* $variant,)* }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in vectors and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

actions! {
    /// Any mutation of an attribute that is written by everyone.
    Change "change",
    /// Append unique items to a log.
    Log "log",
    /// Set a unique key, or take one out.
    Key "key",
    /// Count up the client's own key.
    Register "register",
    /// Push, insert, remove or edit an own item of a list that others push and insert into.
    Task "task",
    /// Add to a number that others add to.
    Add "add",
    /// Take from one account what another one gets.
    Transfer "transfer",
    /// Whatever fits, several mutations together.
    Batch "batch",
    /// Ask for everything anew.
    Refresh "refresh",
    /// The server takes commands of the client's connection.
    Serve "serve",
    /// The client takes answers.
    Take "take",
    /// The client hears which keys have changed.
    Notify "notify",
    /// The client gets a connection, if it has none.
    Connect "connect",
    /// Time passes.
    Wait "wait",
    /// The connection is lost; what is on its way may still arrive.
    Cut "cut",
    /// The server takes what arrived late of a connection that the client has given up.
    ServeLate "serve-late",
    /// The connection carries nothing any more in one direction, and nobody knows.
    Stall "stall",
    /// The client's wall clock stops, goes on, or jumps.
    Clock "clock",
    /// The client ends and begins anew, as another writer.
    Crash "crash",
    /// The server restarts with its data.
    Restart "restart",
    /// The server cannot do it now, for a few commands.
    Busy "busy",
    /// The server refuses a commit for good.
    Refuse "refuse",
    /// Idempotency keys expire of which no copy of a commit is left anywhere.
    Expire "expire",
    /// A foreign writer reads a document,
    ForeignRead "foreign-read",
    /// and writes it as a whole, changed.
    ForeignWrite "foreign-write",
    /// A foreign writer deletes a document.
    ForeignDelete "foreign-delete",
    /// A foreign writer stores something that is not a document.
    ForeignGarbage "foreign-garbage",
    /// A copy of all data is made,
    Snapshot "snapshot",
    /// and the server goes back to it.
    Restore "restore",
    /// The server loses everything.
    Lose "lose",
    /// Idempotency keys expire before the commits have been acknowledged.
    Forget "forget",
}

/// One thing that happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What.
    pub action: Action,
    /// To or by which client, for actions that have one.
    pub client: usize,
    /// The seed of whatever the action draws.
    pub draw: u64,
}

/// A run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// What it was made from; clocks are drawn from it, too.
    pub seed: u64,
    /// How many clients.
    pub clients: usize,
    /// In order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The run of a seed. Each seed has its own mixture of work and faults, and many have none of a
    /// kind: what one fault would hide comes out in runs without it.
    pub fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let clients = 2 + random.below(4);
        let mut weights = Vec::new();
        let loses_data = random.one_in(4);
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
                | Action::Transfer
                | Action::Batch => *random.pick(&[0, 4, 10]),
                Action::Snapshot | Action::Restore | Action::Lose | Action::Forget => {
                    usize::from(loses_data) * random.below(3)
                }
                Action::Notify | Action::ServeLate | Action::Cut | Action::ForeignRead | Action::ForeignWrite => {
                    *random.pick(&[0, 2, 5])
                }
                Action::Refresh | Action::Wait | Action::Stall | Action::Clock | Action::Crash => {
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

    /// Does the server still have whatever it has acknowledged?
    pub fn keeps_data(&self) -> bool {
        !self.has(Action::Restore) && !self.has(Action::Lose) && !self.has(Action::Forget)
    }

    /// Is there a step of this kind?
    pub fn has(&self, action: Action) -> bool {
        self.steps.iter().any(|step| step.action == action)
    }

    /// As JSON text, one step a line.
    pub fn to_json(&self) -> String {
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|step| format!("    [\"{}\", {}, {}]", step.action.name(), step.client, step.draw))
            .collect();
        let Self { seed, clients, .. } = self;
        format!("{{\n  \"seed\": {seed},\n  \"clients\": {clients},\n  \"steps\": [\n{}\n  ]\n}}\n", steps.join(",\n"))
    }

    /// What [`Self::to_json`] wrote. None where the text is something else.
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

/// The action that has the place `at` where each takes as many places as its weight.
fn draw(weights: &[(Action, usize)], mut at: usize) -> Action {
    for &(action, weight) in weights {
        if at < weight {
            return action;
        }
        at -= weight;
    }
    Action::Serve
}
