//! The order of commands through redirects, retries and lost nodes.

use super::*;
use crate::link::SessionId;
use std::sync::Mutex;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::protocol::{Lifetime, RequestId};

/// Everything that was queued for any node, in order: the node, the session, the request, and whether ASKING precedes.
type Log = Arc<Mutex<Vec<(String, u64, u64, bool)>>>;

struct FakeLink {
    node: String,
    log: Log,
}

impl NodeLink for FakeLink {
    fn queue(&self, QueuedCommand { origin, asking, .. }: QueuedCommand) {
        self.log.lock().unwrap().push((self.node.clone(), origin.session.0, origin.request.0, asking));
    }
}

/// A router over two nodes. A is the master of every slot but that of the key `on B`.
struct Cluster {
    router: Router<FakeLink>,
    log: Log,
}

const A: u16 = 7001;
const B: u16 = 7002;

fn node(port: u16) -> NodeAddress {
    NodeAddress::new("h", port)
}

fn origin(session: u64, request: u64) -> Origin {
    Origin { session: SessionId(session), request: RequestId(request) }
}

fn done(request: u64) -> (Origin, Answer) {
    (origin(1, request), Answer::Lifetime(Lifetime::Endless))
}

fn map_of(master: u16) -> SlotMap {
    let mut slots = SlotMap::unknown();
    for slot in (0..Slot::COUNT).filter_map(Slot::new) {
        slots.set_master(slot, node(master));
    }
    slots
}

/// The requests of answers that make a session try again.
fn busy(answers: Vec<(Origin, Answer)>) -> Vec<u64> {
    let request = |(origin, answer): (Origin, Answer)| {
        assert!(matches!(answer, Answer::Busy(_) | Answer::ReplyLost(_)), "{answer:?}");
        origin.request.0
    };
    answers.into_iter().map(request).collect()
}

impl Cluster {
    fn new() -> Self {
        let log = Log::default();
        let links = Arc::clone(&log);
        let mut router =
            Router::new(move |address, _| Ok(FakeLink { node: address.to_string(), log: Arc::clone(&links) }));
        let mut slots = map_of(A);
        slots.set_master(Slot::of_key("on B"), node(B));
        router.set_slots(slots);
        Self { router, log }
    }

    /// With connections to both nodes, on which nothing is in flight.
    fn connected() -> Self {
        let mut cluster = Self::new();
        for (key, port) in [("key", A), ("on B", B)] {
            cluster.send_to(key, 0);
            cluster.connect(port);
            assert_eq!(cluster.router.node_answered(&node(port), vec![done(0)], vec![]), [done(0)]);
        }
        cluster.take_log();
        cluster
    }

    fn connect(&mut self, port: u16) {
        let number = self.number_of(port);
        self.router.node_connected(&node(port), number);
    }

    fn number_of(&self, port: u16) -> LinkNumber {
        self.router.nodes[&node(port)].number
    }

    fn send_to(&mut self, key: &str, request: u64) {
        let sent = self.router.send(origin(1, request), Command::Ttl { key: key.to_owned() });
        assert_eq!(sent, None);
    }

    /// Send requests for one key.
    fn send(&mut self, requests: impl IntoIterator<Item = u64>) {
        for request in requests {
            self.send_to("key", request);
        }
    }

    /// The node at the first port redirects a request to the second.
    fn redirect(&mut self, from: u16, kind: RedirectKind, to: u16, request: u64) -> Vec<(Origin, Answer)> {
        let redirect = Redirect { kind, slot: Slot::of_key("key"), host: String::new(), port: to };
        let refused = SyncError::new(ErrorCode::Refused, "redirected");
        let answers = vec![(origin(1, request), Answer::Refused(refused))];
        self.router.node_answered(&node(from), answers, vec![(origin(1, request), redirect)])
    }

    /// The commands that were queued since the last call: port, request, and whether ASKING precedes.
    fn take_log(&mut self) -> Vec<(u16, u64, bool)> {
        let port = |node: String| node.rsplit_once(':').unwrap().1.parse().unwrap();
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        log.into_iter().map(|(node, _, request, asking)| (port(node), request, asking)).collect()
    }
}

#[test]
fn commands_wait_for_the_first_connection_and_go_out_in_order() {
    let mut cluster = Cluster::new();
    cluster.send(1..=3);
    assert_eq!(cluster.take_log(), []);
    cluster.connect(A);
    assert_eq!(cluster.take_log(), [(A, 1, false), (A, 2, false), (A, 3, false)]);
    cluster.send([4]);
    assert_eq!(cluster.take_log(), [(A, 4, false)]);
    assert_eq!(cluster.router.take_unflushed().len(), 1);
}

#[test]
fn commands_of_a_moved_slot_keep_their_order() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=3);
    cluster.take_log();
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 1), []);
    // 2 and 3 are still at A. Neither 1 nor the new command may go to B before they are back.
    cluster.send([4]);
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 2), []);
    cluster.send([5]);
    assert_eq!(cluster.take_log(), []);
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 3), []);
    assert_eq!(cluster.take_log(), [1, 2, 3, 4, 5].map(|request| (B, request, false)));
    assert!(cluster.router.needs_refresh(), "the other slots may have moved, too");
    cluster.send([6]);
    assert_eq!(cluster.take_log(), [(B, 6, false)]);
    assert_eq!(cluster.router.node_answered(&node(B), vec![done(1), done(2)], vec![]), [done(1), done(2)]);
}

#[test]
fn an_answered_command_is_not_sent_again() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=3);
    cluster.take_log();
    assert_eq!(cluster.router.node_answered(&node(A), vec![done(1)], vec![]), [done(1)]);
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 2), []);
    assert_eq!(cluster.router.node_answered(&node(A), vec![done(3)], vec![]), [done(3)]);
    assert_eq!(cluster.take_log(), [(B, 2, false)]);
}

#[test]
fn other_slots_do_not_wait() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=2);
    cluster.redirect(A, RedirectKind::Moved, B, 1);
    cluster.take_log();
    cluster.send_to("another key", 3);
    cluster.send_to("on B", 4);
    assert_eq!(cluster.take_log(), [(A, 3, false), (B, 4, false)]);
}

#[test]
fn only_the_redirected_command_is_asked_at_the_importing_node() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=2);
    cluster.take_log();
    assert_eq!(cluster.redirect(A, RedirectKind::Ask, B, 1), []);
    assert_eq!(cluster.take_log(), [], "2 is still at A");
    assert_eq!(cluster.redirect(A, RedirectKind::Ask, B, 2), []);
    cluster.send([3]);
    assert_eq!(cluster.take_log(), [(B, 1, true), (B, 2, true), (A, 3, false)]);
    assert!(!cluster.router.needs_refresh(), "A still serves the slot");
    // A asks for 3, too. It waits until 1 and 2 are back, so that it stays behind them.
    assert_eq!(cluster.redirect(A, RedirectKind::Ask, B, 3), []);
    assert_eq!(cluster.take_log(), []);
    assert_eq!(cluster.router.node_answered(&node(B), vec![done(1)], vec![]), [done(1)]);
    assert_eq!(cluster.take_log(), []);
    assert_eq!(cluster.router.node_answered(&node(B), vec![done(2)], vec![]), [done(2)]);
    assert_eq!(cluster.take_log(), [(B, 3, true)]);
}

#[test]
fn each_session_keeps_its_own_order() {
    let mut cluster = Cluster::connected();
    let command = || Command::Ttl { key: "key".to_owned() };
    cluster.send([7]);
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 7), []);
    cluster.send([8]);
    cluster.take_log();
    assert_eq!(cluster.redirect(B, RedirectKind::Moved, A, 8), []);
    for (session, request) in [(2, 1), (1, 9), (2, 2), (1, 10)] {
        assert_eq!(cluster.router.send(origin(session, request), command()), None);
    }
    assert_eq!(cluster.router.node_answered(&node(B), vec![done(7)], vec![]), [done(7)]);
    let log = std::mem::take(&mut *cluster.log.lock().unwrap());
    let of_session = |wanted: u64| -> Vec<u64> {
        log.iter().filter(|(_, session, ..)| *session == wanted).map(|(_, _, request, _)| *request).collect()
    };
    assert_eq!((of_session(1), of_session(2)), (vec![8, 9, 10], vec![1, 2]));
}

#[test]
fn commands_at_a_lost_node_return_to_their_sessions_and_late_answers_are_ignored() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=3);
    let number = cluster.number_of(A);
    let answers = cluster.router.node_disconnected(&node(A), number);
    assert_eq!(busy(answers), [1, 2, 3]);
    assert_eq!(cluster.router.node_answered(&node(A), vec![done(1)], vec![]), []);
    // Until it is back, its commands return at once.
    let refused = cluster.router.send(origin(1, 4), Command::Ttl { key: "key".to_owned() });
    assert_eq!(busy(refused.into_iter().collect()), [4]);
    assert!(cluster.router.node_connected(&node(A), number), "notifications may have been missed");
    cluster.take_log();
    cluster.send([5]);
    assert_eq!(cluster.take_log(), [(A, 5, false)]);
}

#[test]
fn held_commands_go_out_when_the_node_that_holds_them_up_is_lost() {
    let mut cluster = Cluster::connected();
    cluster.send(1..=2);
    assert_eq!(cluster.redirect(A, RedirectKind::Moved, B, 1), []);
    cluster.send([3]);
    cluster.take_log();
    let number = cluster.number_of(A);
    let answers = cluster.router.node_disconnected(&node(A), number);
    assert_eq!(busy(answers), [2]);
    assert_eq!(cluster.take_log(), [(B, 1, false), (B, 3, false)]);
}

#[test]
fn a_link_that_was_replaced_has_no_say() {
    let mut cluster = Cluster::connected();
    let old = cluster.number_of(A);
    cluster.router.disconnect_all();
    cluster.send([1]);
    assert_ne!(cluster.number_of(A), old);
    assert!(!cluster.router.node_connected(&node(A), old));
    assert_eq!(cluster.router.node_disconnected(&node(A), old), []);
    assert_eq!(cluster.take_log(), []);
    cluster.connect(A);
    assert_eq!(cluster.take_log(), [(A, 1, false)]);
}

#[test]
fn a_command_that_is_redirected_in_circles_returns_to_its_session() {
    let mut cluster = Cluster::connected();
    cluster.send([1]);
    let (mut from, mut to) = (A, B);
    for _ in 0..MAX_REDIRECTS {
        assert_eq!(cluster.redirect(from, RedirectKind::Moved, to, 1), []);
        (from, to) = (to, from);
    }
    let answers = cluster.redirect(from, RedirectKind::Moved, to, 1);
    assert_eq!(busy(answers), [1]);
}

#[test]
fn nodes_that_serve_nothing_are_dropped_once_nothing_is_in_flight_there() {
    let mut cluster = Cluster::connected();
    cluster.send([1]);
    cluster.router.set_slots(map_of(B));
    assert_eq!(cluster.router.nodes(), BTreeSet::from([node(A), node(B)]));
    assert_eq!(cluster.router.node_answered(&node(A), vec![done(1)], vec![]), [done(1)]);
    cluster.router.set_slots(map_of(B));
    assert_eq!(cluster.router.nodes(), BTreeSet::from([node(B)]));
}

#[test]
fn a_key_with_a_brace_but_no_hash_tag_is_refused_before_anything_is_sent() {
    let mut cluster = Cluster::connected();
    for key in ["memory:a}", "memory:}{", "memory:a{}b"] {
        let refused = cluster.router.send(origin(1, 1), Command::Load { key: key.to_owned(), max_len: ByteLen(100) });
        let Some((_, Answer::Refused(error))) = refused else { panic!("{key}: {refused:?}") };
        assert_eq!(error.code, ErrorCode::CrossSlot, "{error}");
    }
    for key in ["memory:{a}", "{bank}alice", "memory:a{", "memory:{a}}"] {
        assert_eq!(
            cluster.router.send(origin(1, 2), Command::Load { key: key.to_owned(), max_len: ByteLen(100) }),
            None,
            "{key}"
        );
    }
}

#[test]
fn without_a_link_a_master_that_is_not_away_is_connected() {
    let mut cluster = Cluster::new();
    cluster.send([1]);
    cluster.router.ensure_link(0);
    assert_eq!(cluster.router.nodes.len(), 1, "A is about to be connected");
    cluster.connect(A);
    let number = cluster.number_of(A);
    cluster.router.node_disconnected(&node(A), number);
    assert!(cluster.router.is_away(&node(A)) && cluster.router.connected_links().is_empty());
    cluster.router.ensure_link(7);
    cluster.connect(B);
    assert_eq!(cluster.router.connected_links().iter().map(|(address, _)| address.port()).collect::<Vec<_>>(), [B]);
}

#[test]
fn replicas_are_waited_for_at_each_master_that_was_written_to() {
    let mut cluster = Cluster::connected();
    let replicas = || Command::Replicas { prefix: "m:".into(), writer: WriterId("w".into()), wanted: 2, wait_ms: 9 };
    assert_eq!(cluster.router.send(origin(1, 1), replicas()), Some((origin(1, 1), Answer::Replicas(2))));
    for (key, port) in [("key", A), ("on B", B)] {
        let write = Command::Expire { key: key.to_owned(), ms: 1 };
        assert_eq!(cluster.router.send(origin(1, 2), write), None);
        assert_eq!(cluster.router.node_answered(&node(port), vec![done(2)], vec![]), [done(2)]);
    }
    cluster.take_log();
    let start = |cluster: &mut Cluster| {
        assert_eq!(cluster.router.send(origin(1, 3), replicas()), None);
        let parts: Vec<_> = std::mem::take(&mut *cluster.log.lock().unwrap());
        let nodes: Vec<_> = parts.iter().map(|(node, ..)| node.as_str()).collect();
        assert_eq!(nodes, ["h:7001", "h:7002"]);
        [0, 1].map(|part| Origin { session: SessionId(parts[part].1), request: RequestId(parts[part].2) })
    };
    let [at_a, _] = start(&mut cluster);
    assert_eq!(cluster.router.node_answered(&node(A), vec![(at_a, Answer::Replicas(2))], vec![]), []);
    let number = cluster.number_of(B);
    assert_eq!(busy(cluster.router.node_disconnected(&node(B), number)), [3]);
    cluster.router.node_connected(&node(B), number);
    for (counts, fewest) in [([2, 1], 1), ([3, 2], 2)] {
        let [at_a, at_b] = start(&mut cluster);
        assert_eq!(cluster.router.node_answered(&node(A), vec![(at_a, Answer::Replicas(counts[0]))], vec![]), []);
        let answers = cluster.router.node_answered(&node(B), vec![(at_b, Answer::Replicas(counts[1]))], vec![]);
        assert_eq!(answers, [(origin(1, 3), Answer::Replicas(fewest))]);
    }
    assert_eq!(cluster.router.send(origin(1, 4), replicas()), Some((origin(1, 4), Answer::Replicas(2))), "all have it");
    assert_eq!(cluster.router.send(origin(2, 4), replicas()), Some((origin(2, 4), Answer::Replicas(2))));
}
