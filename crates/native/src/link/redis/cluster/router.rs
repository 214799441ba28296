//! Routing: every command to the node that serves its key, every answer back.
//!
//! The commands of one slot stay in order. Once one of them is redirected, later ones of the slot are held until all
//! that are in flight have come back. Then they go out again in the order in which each session sent them.

use super::super::pipeline::QueuedCommand;
use super::super::redirect::{Redirect, RedirectKind};
use super::super::slot::Slot;
use super::names_cursor::NamesCursor;
use super::replications::Replications;
use super::slot_map::{NodeAddress, SlotMap};
use crate::link::{Origin, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::protocol::{Answer, Command, hash_tag};

/// After this many redirects a command returns to its session, which tries again later.
const MAX_REDIRECTS: u8 = 5;

/// The link to one node.
pub(super) trait NodeLink {
    /// Queue a command until the link is flushed.
    fn queue(&self, command: QueuedCommand);
}

/// Numbers the links that a router has made. A link that was dropped may still report something, which does not concern
/// the next link to the same address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LinkNumber(u64);

type ConnectNode<L> = dyn Fn(&NodeAddress, LinkNumber) -> Result<L, SyncError> + Send;

/// Sends commands to the nodes of a cluster. It does no I/O: links queue, the caller flushes them.
pub(super) struct Router<L> {
    slots: SlotMap,
    /// True if the map of slots is known to be incomplete or out of date.
    needs_refresh: bool,
    nodes: BTreeMap<NodeAddress, Node<L>>,
    in_flight: BTreeMap<Origin, RoutedCommand>,
    /// Commands that wait for others of their slot to come back.
    held: BTreeMap<Slot, BTreeMap<Origin, HeldCommand>>,
    /// Nodes with commands that have not been flushed.
    unflushed: BTreeSet<NodeAddress>,
    connect_node: Box<ConnectNode<L>>,
    last_link: LinkNumber,
    replications: Replications,
}

struct Node<L> {
    link: Arc<L>,
    number: LinkNumber,
    state: NodeState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeState {
    /// Commands wait until it is connected for the first time.
    Connecting,
    Connected,
    Disconnected,
}

/// A command and the node that it goes to.
struct RoutedCommand {
    command: Command,
    node: NodeAddress,
    /// Send ASKING before it.
    asking: bool,
    /// The number of redirects so far.
    redirects: u8,
}

struct HeldCommand {
    command: Command,
    /// The node to send ASKING and the command to; None for the slot's master.
    ask_at: Option<NodeAddress>,
    redirects: u8,
}

/// Sending.
impl<L: NodeLink> Router<L> {
    /// A router that knows no slots yet.
    pub(super) fn new(
        connect_node: impl Fn(&NodeAddress, LinkNumber) -> Result<L, SyncError> + Send + 'static,
    ) -> Self {
        Self {
            slots: SlotMap::unknown(),
            needs_refresh: true,
            nodes: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            held: BTreeMap::new(),
            unflushed: BTreeSet::new(),
            connect_node: Box::new(connect_node),
            last_link: LinkNumber::default(),
            replications: Replications::default(),
        }
    }

    /// Send a command of a session. Gives the answer if there is no node to send it to.
    pub(super) fn send(&mut self, origin: Origin, command: Command) -> Option<(Origin, Answer)> {
        let (node, command) = match command {
            // Names in slots without a master would be missing.
            Command::Names { .. } if !self.slots.is_complete() => {
                self.needs_refresh = true;
                return Some((origin, slots_without_master()));
            }
            Command::Names { prefix, cursor } => {
                let Some(NamesCursor { node, cursor }) = NamesCursor::decode(&cursor, &self.slots.masters()) else {
                    return Some(no_node(origin));
                };
                (node, Command::Names { prefix, cursor })
            }
            Command::Replicas { prefix, writer, wanted, wait_ms } => {
                return self.wait_for_replicas(origin, &prefix, &writer, wanted, wait_ms);
            }
            command => {
                if let Some(error) = key_of(&command).and_then(check_key) {
                    return Some((origin, Answer::Refused(error)));
                }
                return self.send_to_master(origin, command);
            }
        };
        self.dispatch(origin, RoutedCommand { command, node, asking: false, redirects: 0 })
    }

    /// Send a command to the master of its slot, or hold it until the slot's other commands are back.
    fn send_to_master(&mut self, origin: Origin, command: Command) -> Option<(Origin, Answer)> {
        let slot = slot_of(&command);
        if let Some(held) = self.held.get_mut(&slot) {
            held.insert(origin, HeldCommand { command, ask_at: None, redirects: 0 });
            return None;
        }
        let Some(node) = self.slots.master(slot).cloned() else {
            self.needs_refresh = true;
            return Some(no_node(origin));
        };
        self.dispatch(origin, RoutedCommand { command, node, asking: false, redirects: 0 })
    }

    /// Wait for replicas at each master of a slot that the session has written to since they last had everything.
    fn wait_for_replicas(
        &mut self,
        origin: Origin,
        prefix: &str,
        writer: &WriterId,
        wanted: u32,
        wait_ms: u64,
    ) -> Option<(Origin, Answer)> {
        let Some(markers) = self.replications.marker_prefixes(origin.session, prefix, &self.slots) else {
            self.needs_refresh = true;
            return Some(no_node(origin));
        };
        if markers.is_empty() {
            return Some((origin, Answer::Replicas(wanted)));
        }
        let parts = self.replications.start(origin, wanted, markers.len());
        let mut answer = None;
        for (part, prefix) in parts.into_iter().zip(markers) {
            let command = Command::Replicas { prefix, writer: writer.clone(), wanted, wait_ms };
            let sent = self.send_to_master(part, command);
            answer = answer.or(sent.and_then(|sent| self.replications.gather(sent)));
        }
        answer
    }

    /// Answers for sessions: those of parts of a command are combined.
    fn gather(&mut self, answers: Vec<(Origin, Answer)>) -> Vec<(Origin, Answer)> {
        answers.into_iter().filter_map(|answer| self.replications.gather(answer)).collect()
    }

    /// A session has ended.
    pub(super) fn forget_session(&mut self, session: SessionId) {
        self.replications.forget_session(session);
    }

    fn dispatch(&mut self, origin: Origin, routed: RoutedCommand) -> Option<(Origin, Answer)> {
        let address = &routed.node;
        if let Err(error) = self.connect(address) {
            return Some((origin, Answer::Refused(error)));
        }
        let node = &self.nodes[address];
        match node.state {
            NodeState::Disconnected => return Some((origin, node_is_away(address))),
            NodeState::Connected => {
                node.link.queue(routed.to_queued(origin));
                self.unflushed.insert(address.clone());
            }
            NodeState::Connecting => {}
        }
        self.in_flight.insert(origin, routed);
        None
    }

    /// The links with commands to flush.
    pub(super) fn take_unflushed(&mut self) -> Vec<Arc<L>> {
        let addresses = std::mem::take(&mut self.unflushed);
        addresses.iter().filter_map(|address| self.nodes.get(address)).map(|node| Arc::clone(&node.link)).collect()
    }

    /// The links to all nodes.
    pub(super) fn links(&self) -> Vec<Arc<L>> {
        self.nodes.values().map(|node| Arc::clone(&node.link)).collect()
    }
}

/// Events of nodes.
impl<L: NodeLink> Router<L> {
    /// A link is connected. True if it has been connected before, so that notifications may have been missed.
    pub(super) fn node_connected(&mut self, address: &NodeAddress, number: LinkNumber) -> bool {
        let Some(node) = self.nodes.get_mut(address).filter(|node| node.number == number) else { return false };
        let before = std::mem::replace(&mut node.state, NodeState::Connected);
        if before == NodeState::Connecting {
            for (origin, routed) in self.in_flight.iter().filter(|(_, routed)| routed.node == *address) {
                node.link.queue(routed.to_queued(*origin));
            }
            self.unflushed.insert(address.clone());
        }
        before == NodeState::Disconnected
    }

    /// A link has lost its connection. Gives answers for the commands in flight there: their sessions send them again,
    /// in order.
    pub(super) fn node_disconnected(&mut self, address: &NodeAddress, number: LinkNumber) -> Vec<(Origin, Answer)> {
        let Some(node) = self.nodes.get_mut(address).filter(|node| node.number == number) else { return Vec::new() };
        node.state = NodeState::Disconnected;
        self.needs_refresh = true;
        let mut answers = Vec::new();
        self.in_flight.retain(|origin, routed| {
            let is_lost = routed.node == *address;
            if is_lost {
                answers.push((*origin, reply_is_lost(address)));
            }
            !is_lost
        });
        answers.extend(self.release_held());
        self.gather(answers)
    }

    /// A node has answered. Gives the answers for the sessions; redirected commands are held instead.
    pub(super) fn node_answered(
        &mut self,
        node: &NodeAddress,
        answers: Vec<(Origin, Answer)>,
        redirects: Vec<(Origin, Redirect)>,
    ) -> Vec<(Origin, Answer)> {
        let mut redirects: BTreeMap<_, _> = redirects.into_iter().collect();
        let mut passed_on = Vec::with_capacity(answers.len());
        for (origin, answer) in answers {
            // Another node has the command by now, or its session has got an answer.
            let Some(routed) = self.in_flight.remove(&origin) else { continue };
            let redirect = redirects.remove(&origin).filter(|_| !matches!(routed.command, Command::Names { .. }));
            match redirect {
                Some(redirect) if routed.redirects < MAX_REDIRECTS => self.hold(origin, routed, &redirect),
                Some(_) => passed_on.push(no_node(origin)),
                None => {
                    if is_applied_write(&routed.command, &answer) {
                        self.replications.note_write(origin.session, slot_of(&routed.command));
                    }
                    passed_on.push((origin, self.with_cluster_cursor(node, answer)));
                }
            }
        }
        if !self.held.is_empty() {
            passed_on.extend(self.release_held());
        }
        self.gather(passed_on)
    }

    fn hold(&mut self, origin: Origin, routed: RoutedCommand, redirect: &Redirect) {
        let host = match redirect.host.as_str() {
            "" => routed.node.host(),
            host => host,
        };
        let target = NodeAddress::new(host, redirect.port);
        let ask_at = match redirect.kind {
            RedirectKind::Ask => Some(target),
            RedirectKind::Moved => {
                self.slots.set_master(redirect.slot, target);
                self.needs_refresh = true;
                None
            }
        };
        let held = HeldCommand { command: routed.command, ask_at, redirects: routed.redirects + 1 };
        self.held.entry(redirect.slot).or_default().insert(origin, held);
    }

    /// Send the held commands of all slots of which nothing is in flight any more.
    fn release_held(&mut self) -> Vec<(Origin, Answer)> {
        let busy: BTreeSet<Slot> = self
            .in_flight
            .values()
            .filter(|routed| !matches!(routed.command, Command::Names { .. }))
            .map(|routed| slot_of(&routed.command))
            .collect();
        let mut answers = Vec::new();
        for (slot, commands) in std::mem::take(&mut self.held) {
            if busy.contains(&slot) {
                self.held.insert(slot, commands);
                continue;
            }
            for (origin, HeldCommand { command, ask_at, redirects }) in commands {
                let asking = ask_at.is_some();
                let Some(node) = ask_at.or_else(|| self.slots.master(slot).cloned()) else {
                    answers.push(no_node(origin));
                    continue;
                };
                answers.extend(self.dispatch(origin, RoutedCommand { command, node, asking, redirects }));
            }
        }
        answers
    }

    fn with_cluster_cursor(&self, node: &NodeAddress, answer: Answer) -> Answer {
        let Answer::Names { cursor, keys } = answer else { return answer };
        Answer::Names { cursor: NamesCursor::encode_next(node, &cursor, &self.slots.masters()), keys }
    }
}

/// Topology.
impl<L> Router<L> {
    /// True if the map of slots should be fetched again.
    pub(super) fn needs_refresh(&self) -> bool {
        self.needs_refresh
    }

    /// Use a new map of slots. Links to nodes that serve nothing any more are dropped once nothing is in flight there.
    pub(super) fn set_slots(&mut self, slots: SlotMap) {
        self.slots = slots;
        let masters = self.slots.masters();
        let in_use: BTreeSet<_> = self.in_flight.values().map(|routed| &routed.node).collect();
        self.nodes.retain(|address, _| masters.contains(address) || in_use.contains(address));
        let is_node_away = self.nodes.values().any(|node| node.state == NodeState::Disconnected);
        self.needs_refresh = is_node_away || !self.slots.is_complete();
    }

    /// The links that are connected.
    pub(super) fn connected_links(&self) -> Vec<(NodeAddress, Arc<L>)> {
        let connected = self.nodes.iter().filter(|(_, node)| node.state == NodeState::Connected);
        connected.map(|(address, node)| (address.clone(), Arc::clone(&node.link))).collect()
    }

    /// The node that serves a slot, if it is known.
    pub(super) fn master(&self, slot: Slot) -> Option<&NodeAddress> {
        self.slots.master(slot)
    }

    /// All nodes that serve slots.
    pub(super) fn masters(&self) -> BTreeSet<NodeAddress> {
        self.slots.masters()
    }

    /// All nodes that serve slots or have a link.
    pub(super) fn nodes(&self) -> BTreeSet<NodeAddress> {
        let mut nodes = self.slots.masters();
        nodes.extend(self.nodes.keys().cloned());
        nodes
    }

    /// True if the link to this node has lost its connection, and tries to replace it.
    pub(super) fn is_away(&self, address: &NodeAddress) -> bool {
        self.nodes.get(address).is_some_and(|node| node.state == NodeState::Disconnected)
    }

    /// Connect to a master if no link is connected or about to be, so that the next map of slots comes over that link.
    /// `choice` selects the master.
    pub(super) fn ensure_link(&mut self, choice: usize) {
        if self.nodes.values().all(|node| node.state == NodeState::Disconnected) {
            let masters: Vec<_> =
                self.slots.masters().into_iter().filter(|master| !self.nodes.contains_key(master)).collect();
            if let Some(master) = masters.get(choice % masters.len().max(1)) {
                // The error would be that of the seeds: see `ClusterLink::open`.
                let _ = self.connect(master);
            }
        }
    }

    fn connect(&mut self, address: &NodeAddress) -> Result<(), SyncError> {
        if !self.nodes.contains_key(address) {
            self.last_link.0 += 1;
            let link = Arc::new((self.connect_node)(address, self.last_link)?);
            self.nodes.insert(address.clone(), Node { link, number: self.last_link, state: NodeState::Connecting });
        }
        Ok(())
    }

    /// No node can be reached. All commands are dropped, because sessions send theirs again once they are connected.
    pub(super) fn disconnect_all(&mut self) {
        self.in_flight.clear();
        self.held.clear();
        self.replications.abandon();
        self.nodes.clear();
        self.needs_refresh = true;
    }
}

impl RoutedCommand {
    fn to_queued(&self, origin: Origin) -> QueuedCommand {
        QueuedCommand { origin, command: self.command.clone(), asking: self.asking }
    }
}

/// True if the answer says that the command has written, or had before.
fn is_applied_write(command: &Command, answer: &Answer) -> bool {
    let is_write =
        matches!(command, Command::Commit(..) | Command::Group(..) | Command::Expire { .. } | Command::Persist { .. });
    is_write && !matches!(answer, Answer::Busy(_) | Answer::ReplyLost(_) | Answer::Refused(_))
}

fn slot_of(command: &Command) -> Slot {
    Slot::of_key(key_of(command).unwrap_or_default())
}

/// The reason why a cluster cannot keep a document under this key, if there is one.
fn check_key(key: &str) -> Option<SyncError> {
    if !key.contains('}') || hash_tag(key).is_some() {
        return None;
    }
    let message = format!(
        "{key} cannot be used on a cluster: with a }} but no hash tag, its slot would not be that of the keys that are kept \
         beside it; use another name or prefix, or one with a hash tag such as {{app}}"
    );
    Some(SyncError::new(ErrorCode::CrossSlot, message))
}

/// The key that decides where a command goes: that of its document, or the prefix of all keys.
fn key_of(command: &Command) -> Option<&str> {
    Some(match command {
        Command::Load { key, .. }
        | Command::Probe { key, .. }
        | Command::Tail { key, .. }
        | Command::Expire { key, .. }
        | Command::Persist { key }
        | Command::Ttl { key }
        | Command::LastSequence { key, .. }
        | Command::Writers { key, .. }
        | Command::History { key, .. }
        | Command::RecordChange { key, .. }
        | Command::ExpireDedupKey { key, .. } => key,
        Command::Commit(commit, _) => &commit.key,
        // All keys of a group have one slot: see `Link::may_share_group`.
        Command::Group(group, _) => {
            let commits = group.commits.iter().map(|commit| &commit.key);
            commits.chain(group.checks.iter().chain(&group.names).map(|(key, _)| key)).next()?
        }
        // All keys of a comparison have one slot: that of their group mark.
        Command::Compare { checks } => checks.first().map(|(key, _)| key)?,
        Command::Names { prefix, .. }
        | Command::Replicas { prefix, .. }
        | Command::Secret { prefix, .. }
        | Command::EvictionPolicy { prefix } => prefix,
    })
}

fn no_node(origin: Origin) -> (Origin, Answer) {
    let message = "no node of the cluster serves this key now; trying again";
    (origin, Answer::Busy(SyncError::new(ErrorCode::Unreachable, message)))
}

/// The answer to a listing of names while a part of them cannot be listed.
fn slots_without_master() -> Answer {
    let message = "some slots of the cluster have no master now, so that not all names can be listed; trying again";
    Answer::Busy(SyncError::new(ErrorCode::Unreachable, message))
}

/// The answer to a command that was not sent.
fn node_is_away(address: &NodeAddress) -> Answer {
    let message = format!("the cluster's node {address} is away; trying again");
    Answer::Busy(SyncError::new(ErrorCode::Unreachable, message))
}

/// The answer to a command that was sent, or may have been.
fn reply_is_lost(address: &NodeAddress) -> Answer {
    let message = format!("the connection to the cluster's node {address} is lost; trying again");
    Answer::ReplyLost(SyncError::new(ErrorCode::Unreachable, message))
}

#[cfg(test)]
mod tests;
