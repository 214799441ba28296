//! Every command to the node that serves its key, every answer back.
//!
//! Commands of one slot stay in order: once one of them is redirected, the slot's later ones are held until all that
//! are under way have come back, and then go out again in the order in which each session sent them.

use super::super::RedisLink;
use super::slots::{Address, Redirect, SLOTS, address, slot};
use crate::link::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use synced_memory_core::command::{Answer, Command};
use synced_memory_core::error::{ErrorCode, SyncError};

/// A command that was sent on as often as this waits for the cluster to settle.
const MOST_REDIRECTS: u8 = 5;

pub(super) struct Router {
    slots: Vec<Option<Address>>,
    nodes: BTreeMap<Address, Node>,
    under_way: BTreeMap<Origin, Sent>,
    /// Slots of which commands were redirected.
    held: BTreeMap<usize, BTreeMap<Origin, Held>>,
    /// Nodes with commands that have not been flushed.
    unflushed: BTreeSet<Address>,
    /// The map is known to be out of date.
    pub(super) outdated: bool,
    make_link: Box<MakeLink>,
    last_link: u64,
}

type MakeLink = dyn Fn(&Address, u64) -> Result<RedisLink, SyncError> + Send;

struct Node {
    link: Arc<RedisLink>,
    /// Tells it from one to the same address that was dropped, and may have the last word yet.
    serial: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its commands go out once it is connected.
    New,
    Up,
    Down,
}

struct Sent {
    command: Command,
    node: Address,
    asking: bool,
    redirects: u8,
}

struct Held {
    command: Command,
    ask_at: Option<Address>,
    redirects: u8,
}

impl Router {
    pub(super) fn new(make_link: impl Fn(&Address, u64) -> Result<RedisLink, SyncError> + Send + 'static) -> Self {
        Self {
            slots: vec![None; SLOTS],
            nodes: BTreeMap::new(),
            under_way: BTreeMap::new(),
            held: BTreeMap::new(),
            unflushed: BTreeSet::new(),
            outdated: true,
            make_link: Box::new(make_link),
            last_link: 0,
        }
    }

    /// A command of a session. An answer where it cannot go anywhere.
    pub(super) fn send(&mut self, origin: Origin, command: Command) -> Option<(Origin, Answer)> {
        let command = match command {
            Command::Names { prefix, cursor } => {
                let Some((node, cursor)) = self.page(&cursor) else { return Some(no_node(origin)) };
                return self.dispatch(origin, Command::Names { prefix, cursor }, node, false, 0);
            }
            // Every node would have to be asked, and to be written to before.
            Command::Replicas { .. } => {
                let message = "replicas: not on a cluster yet; leave it out";
                return Some((origin, Answer::Refused(SyncError::new(ErrorCode::Options, message))));
            }
            command => command,
        };
        let slot = slot(key(&command));
        if let Some(held) = self.held.get_mut(&slot) {
            held.insert(origin, Held { command, ask_at: None, redirects: 0 });
            return None;
        }
        let Some(node) = self.slots[slot].clone() else {
            self.outdated = true;
            return Some(no_node(origin));
        };
        self.dispatch(origin, command, node, false, 0)
    }

    fn dispatch(
        &mut self,
        origin: Origin,
        command: Command,
        address: Address,
        asking: bool,
        redirects: u8,
    ) -> Option<(Origin, Answer)> {
        if !self.nodes.contains_key(&address) {
            self.last_link += 1;
            match (self.make_link)(&address, self.last_link) {
                Ok(link) => {
                    let node = Node { link: Arc::new(link), serial: self.last_link, state: State::New };
                    self.nodes.insert(Arc::clone(&address), node);
                }
                Err(error) => return Some((origin, Answer::Refused(error))),
            }
        }
        let node = &self.nodes[&address];
        match node.state {
            State::Down => return Some((origin, away(&address))),
            State::Up => {
                node.link.queue(origin, command.clone(), asking);
                self.unflushed.insert(Arc::clone(&address));
            }
            State::New => {}
        }
        self.under_way.insert(origin, Sent { command, node: address, asking, redirects });
        None
    }

    /// The links that have something to flush.
    pub(super) fn unflushed(&mut self) -> Vec<Arc<RedisLink>> {
        let addresses = std::mem::take(&mut self.unflushed);
        addresses.iter().filter_map(|address| self.nodes.get(address)).map(|node| Arc::clone(&node.link)).collect()
    }

    pub(super) fn links(&self) -> Vec<Arc<RedisLink>> {
        self.nodes.values().map(|node| Arc::clone(&node.link)).collect()
    }

    /// The node can be reached (again). Was it away?
    pub(super) fn node_up(&mut self, address: &Address, serial: u64) -> bool {
        let Some(node) = self.nodes.get_mut(address).filter(|node| node.serial == serial) else { return false };
        let before = std::mem::replace(&mut node.state, State::Up);
        if before == State::New {
            for (origin, sent) in self.under_way.iter().filter(|(_, sent)| sent.node == *address) {
                node.link.queue(*origin, sent.command.clone(), sent.asking);
            }
            self.unflushed.insert(Arc::clone(address));
        }
        before == State::Down
    }

    /// The node is away: what is under way there is to be sent again, by the sessions, in their order.
    pub(super) fn node_down(&mut self, address: &Address, serial: u64) -> Vec<(Origin, Answer)> {
        let Some(node) = self.nodes.get_mut(address).filter(|node| node.serial == serial) else { return Vec::new() };
        node.state = State::Down;
        self.outdated = true;
        let mut answers = Vec::new();
        self.under_way.retain(|origin, sent| {
            let is_there = sent.node == *address;
            if is_there {
                answers.push((*origin, away(address)));
            }
            !is_there
        });
        answers.extend(self.release());
        answers
    }

    /// What a node answered. Gives what the sessions should know of it.
    pub(super) fn landed(
        &mut self,
        from: &Address,
        answers: Vec<(Origin, Answer)>,
        redirects: Vec<(Origin, Redirect)>,
    ) -> Vec<(Origin, Answer)> {
        let mut redirects: BTreeMap<_, _> = redirects.into_iter().collect();
        let mut news = Vec::with_capacity(answers.len());
        for (origin, answer) in answers {
            // What was given up, or went elsewhere since.
            let Some(sent) = self.under_way.remove(&origin) else { continue };
            let redirect = redirects.remove(&origin).filter(|_| !matches!(sent.command, Command::Names { .. }));
            match redirect {
                Some(redirect) if sent.redirects < MOST_REDIRECTS => self.hold(origin, sent, &redirect),
                Some(_) => news.push(no_node(origin)),
                None => news.push((origin, self.turn_page(from, answer))),
            }
        }
        if !self.held.is_empty() {
            news.extend(self.release());
        }
        news
    }

    fn hold(&mut self, origin: Origin, sent: Sent, redirect: &Redirect) {
        let host = match redirect.host.as_str() {
            "" => sent.node.rsplit_once(':').map_or("", |(host, _)| host),
            host => host,
        };
        let target = address(host, redirect.port);
        let mut ask_at = None;
        if redirect.ask {
            ask_at = Some(target);
        } else {
            self.slots[redirect.slot] = Some(target);
            self.outdated = true;
        }
        let held = Held { command: sent.command, ask_at, redirects: sent.redirects + 1 };
        self.held.entry(redirect.slot).or_default().insert(origin, held);
    }

    /// Send what is held for slots of which nothing is under way any more.
    fn release(&mut self) -> Vec<(Origin, Answer)> {
        let busy: BTreeSet<usize> = self
            .under_way
            .values()
            .filter(|sent| !matches!(sent.command, Command::Names { .. }))
            .map(|sent| slot(key(&sent.command)))
            .collect();
        let mut answers = Vec::new();
        for (slot, commands) in std::mem::take(&mut self.held) {
            if busy.contains(&slot) {
                self.held.insert(slot, commands);
                continue;
            }
            for (origin, Held { command, ask_at, redirects }) in commands {
                let asking = ask_at.is_some();
                let Some(node) = ask_at.or_else(|| self.slots[slot].clone()) else {
                    answers.push(no_node(origin));
                    continue;
                };
                answers.extend(self.dispatch(origin, command, node, asking, redirects));
            }
        }
        answers
    }

    /// A fresh map. Nodes that serve nothing any more are left once nothing is under way there.
    pub(super) fn learn(&mut self, slots: Vec<Option<Address>>) {
        self.outdated = slots.iter().any(Option::is_none);
        self.slots = slots;
        let masters = self.masters();
        let used: BTreeSet<_> = self.under_way.values().map(|sent| Arc::clone(&sent.node)).collect();
        self.nodes.retain(|address, _| masters.contains(address) || used.contains(address));
        self.outdated |= self.nodes.values().any(|node| node.state == State::Down);
    }

    /// Nodes to ask for the map: those that work first.
    pub(super) fn known(&self) -> Vec<Address> {
        let (up, rest): (Vec<_>, Vec<_>) = self.nodes.iter().partition(|(_, node)| node.state == State::Up);
        up.into_iter().chain(rest).map(|(address, _)| Arc::clone(address)).collect()
    }

    /// No node can be reached: the sessions send everything again after they are connected.
    pub(super) fn forget(&mut self) {
        self.under_way.clear();
        self.held.clear();
        self.nodes.clear();
        self.outdated = true;
    }

    fn masters(&self) -> BTreeSet<Address> {
        // Neighbours mostly have the same one.
        let mut masters = BTreeSet::new();
        let mut last = None;
        for address in self.slots.iter().flatten() {
            if last != Some(address) {
                masters.insert(Arc::clone(address));
                last = Some(address);
            }
        }
        masters
    }

    /// Cursors of the cluster are `<node> <cursor of that node>`, one master after the other.
    fn page(&self, cursor: &str) -> Option<(Address, String)> {
        let masters = self.masters();
        match cursor.split_once(' ') {
            Some((node, cursor)) if masters.contains(node) => Some((node.into(), cursor.to_owned())),
            // A node that has left the cluster while it was asked.
            Some((node, _)) => {
                masters.iter().find(|master| ***master > *node).map(|node| (Arc::clone(node), "0".to_owned()))
            }
            None => masters.first().map(|node| (Arc::clone(node), "0".to_owned())),
        }
    }

    fn turn_page(&self, from: &Address, answer: Answer) -> Answer {
        let Answer::Names { cursor, keys } = answer else { return answer };
        let cursor = if cursor == "0" {
            let masters = self.masters();
            masters.iter().find(|address| *address > from).map_or_else(|| "0".to_owned(), |next| format!("{next} 0"))
        } else {
            format!("{from} {cursor}")
        };
        Answer::Names { cursor, keys }
    }
}

fn key(command: &Command) -> &str {
    match command {
        Command::Load { key }
        | Command::Probe { key, .. }
        | Command::Tail { key, .. }
        | Command::Expire { key, .. }
        | Command::Persist { key }
        | Command::Ttl { key } => key,
        Command::Commit(commit) => &commit.key,
        // All of them are in one slot: see `Link::is_together`.
        Command::Group(group) => {
            let commits = group.commits.iter().map(|commit| &commit.key);
            commits.chain(group.checks.iter().map(|(key, _)| key)).next().map_or("", String::as_str)
        }
        Command::Names { prefix, .. } | Command::Replicas { prefix, .. } => prefix,
    }
}

fn no_node(origin: Origin) -> (Origin, Answer) {
    let message = "no node of the cluster serves this key now; trying again";
    (origin, Answer::Busy(SyncError::new(ErrorCode::Unavailable, message)))
}

fn away(address: &Address) -> Answer {
    let message = format!("the cluster's node {address} is away; trying again");
    Answer::Busy(SyncError::new(ErrorCode::Unavailable, message))
}
