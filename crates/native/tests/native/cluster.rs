//! A cluster: connections while a node is away, the one subscription, and waiting for the replicas of its masters.

use crate::peer::Peer;
use crate::server::RedisServer;
use std::net::TcpListener;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use synced_memory_core::protocol::DeltaDelivery;
use synced_memory_core::session::Event;
use synced_memory_native::OpenOptions;

/// Starts two masters. The first serves the lower half of the slots.
fn start_cluster() -> [RedisServer; 2] {
    start_cluster_with(&[])
}

fn start_cluster_with(settings: &[&str]) -> [RedisServer; 2] {
    let [first, second] = [RedisServer::cluster_node(settings), RedisServer::cluster_node(settings)];
    add_slots(&first, 0..8192);
    add_slots(&second, 8192..16384);
    assert_eq!(second.cli(&["CLUSTER", "SET-CONFIG-EPOCH", "2"]), "OK");
    meet(&first, &second);
    for node in [&first, &second] {
        wait_for("slots", || node.cli(&["CLUSTER", "INFO"]).contains("cluster_slots_ok:16384"));
    }
    [first, second]
}

/// Gives slots to a node, one by one: Redis 6.2 has no command for a range.
fn add_slots(node: &RedisServer, slots: Range<u16>) {
    let slots: Vec<String> = slots.map(|slot| slot.to_string()).collect();
    let command: Vec<&str> = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
    assert_eq!(node.cli(&command), "OK");
}

fn meet(node: &RedisServer, other: &RedisServer) {
    assert_eq!(node.cli(&["CLUSTER", "MEET", "127.0.0.1", &other.port.to_string()]), "OK");
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_there() {
        assert!(Instant::now() < deadline, "no {what} in time");
        std::thread::yield_now();
    }
}

/// Names of attributes on the first and on the second node.
fn names_on(first: &RedisServer) -> [String; 2] {
    let is_low = |name: &String| {
        let slot: u16 = first.cli(&["CLUSTER", "KEYSLOT", &format!("memory:{name}")]).parse().unwrap();
        slot < 8192
    };
    let names = || (0..).map(|n| format!("name{n}"));
    [names().find(is_low).unwrap(), names().find(|name| !is_low(name)).unwrap()]
}

fn connections_of(server: &RedisServer) -> u64 {
    let stats = server.cli(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn few_connections_are_made_while_a_node_is_away() {
    let [first, mut second] = start_cluster();
    let [here, away] = names_on(&first);
    let mut peer = Peer::open(&format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", first.port, second.port));
    peer.assign(&here, "0");
    peer.assign(&away, "0");
    peer.flush();
    second.kill();
    let (listener, attempts) = (TcpListener::bind(("127.0.0.1", second.port)).unwrap(), Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&attempts);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            drop(connection);
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let before = connections_of(&first);
    let started = Instant::now();
    let mut n = 0;
    while started.elapsed() < Duration::from_secs(6) {
        n += 1;
        peer.assign(&here, &n.to_string());
        peer.flush();
    }
    // Each call of redis-cli is one connection. The subscription has moved here if it was at the other node.
    let here = connections_of(&first) - before;
    assert!((1..=2).contains(&here), "{here}: the map of slots comes over the link that is there");
    let attempts = attempts.load(Ordering::Relaxed);
    println!("connections to the node that is away, in 6 s: {attempts}");
    assert!((1..=12).contains(&attempts), "{attempts} connections to the node that is away");
}

#[test]
fn replicas_of_every_master_that_was_written_to_are_waited_for() {
    let [first, second] = start_cluster();
    let replica = RedisServer::cluster_node(&[]);
    meet(&first, &replica);
    let master = first.cli(&["CLUSTER", "MYID"]);
    wait_for("replica", || replica.cli(&["CLUSTER", "REPLICATE", &master]) == "OK");
    wait_for("link to the master", || replica.cli(&["INFO", "replication"]).contains("master_link_status:up"));
    let [on_first, on_second] = names_on(&first);
    let mut peer = Peer::open(&format!("redis+cluster://127.0.0.1:{}", second.port));
    let replicas = |peer: &mut Peer, wait_ms| {
        let id = peer.memory.replicate(1, wait_ms);
        let count_of = |event: &Event| match event {
            Event::Replicated { id: done, count } if *done == id => Some(count.clone().unwrap()),
            _ => None,
        };
        peer.until("replicated", |peer| peer.events.iter().any(|event| count_of(event).is_some()));
        peer.events.iter().find_map(count_of).unwrap()
    };
    assert_eq!(replicas(&mut peer, 100), 1, "nothing has been written");
    peer.assign(&on_first, "1");
    peer.flush();
    assert_eq!(replicas(&mut peer, 20_000), 1);
    assert!(replica.cli(&["--scan"]).contains(&on_first));
    peer.assign(&on_first, "2");
    peer.assign(&on_second, "2");
    peer.flush();
    assert_eq!(replicas(&mut peer, 100), 0, "the second master has no replica");
    assert_eq!(replicas(&mut peer, 100), 0, "it is waited for until it has one");
    peer.assign(&on_first, "3");
    peer.flush();
    assert_eq!(replicas(&mut peer, 100), 0);
}

#[test]
fn deltas_come_over_one_subscription_which_moves_to_another_node_when_it_is_cut() {
    let nodes = start_cluster();
    let [first, second] = &nodes;
    let [on_first, on_second] = names_on(first);
    let mut reader = Peer::open(&format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", first.port, second.port));
    reader.assign(&on_first, "[]");
    reader.assign(&on_second, "[]");
    reader.flush();
    let subscribers = || nodes.each_ref().map(|node| node.cli(&["PUBSUB", "NUMSUB", "sm:memory:"]).ends_with('1'));
    let before = subscribers();
    assert!(before == [true, false] || before == [false, true], "{before:?}");

    let mut writer = Peer::open(&format!("REDIS+cluster://127.0.0.1:{}", first.port));
    let mut last = 0;
    for round in 0..4 {
        for name in [&on_first, &on_second] {
            for n in 0..20 {
                last = round * 100 + n;
                writer.push(name, last);
                if n == 5 {
                    for node in &nodes {
                        node.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                    }
                }
            }
        }
        writer.flush();
        let (on_first, on_second) = (on_first.clone(), on_second.clone());
        reader.until("all pushes", |reader| {
            [&on_first, &on_second].iter().all(|name| reader.text(name).unwrap().ends_with(&format!("{last}]")))
        });
        assert_eq!(reader.text(&on_first), writer.text(&on_first));
    }
    drop(writer);
    wait_for("subscription", || subscribers().iter().filter(|is_subscribed| **is_subscribed).count() == 1);
}

#[test]
fn deltas_are_received_in_both_protocols_and_done_without_where_channels_are_forbidden() {
    for (settings, resp) in [(&[][..], 3), (&["--rename-command", "HELLO", ""][..], 2)] {
        let nodes = start_cluster_with(settings);
        let [on_first, on_second] = names_on(&nodes[0]);
        for (rule, deltas) in [("allchannels", DeltaDelivery::Unordered), ("resetchannels", DeltaDelivery::None)] {
            for node in &nodes {
                assert_eq!(node.cli(&["ACL", "SETUSER", "default", rule]), "OK");
            }
            let mut peer = Peer::open(&format!("redis+cluster://127.0.0.1:{}", nodes[0].port));
            peer.assign(&on_first, "[]");
            peer.assign(&on_second, "[]");
            peer.flush();
            let capabilities = peer.memory.capabilities();
            assert_eq!((capabilities.resp, capabilities.deltas), (Some(resp), deltas), "{rule}");
        }
    }
}

#[test]
fn a_subscription_lasts_where_ping_is_forbidden() {
    let nodes = start_cluster();
    for node in &nodes {
        assert_eq!(node.cli(&["ACL", "SETUSER", "default", "-ping"]), "OK");
    }
    let _peer = Peer::open(&format!("redis+cluster://127.0.0.1:{}", nodes[0].port));
    let subscribers = || nodes.each_ref().map(|node| node.cli(&["CLIENT", "LIST", "TYPE", "pubsub"]));
    let ids = || subscribers().map(|clients| clients.split_whitespace().next().map(str::to_owned));
    let before = ids();
    // The second refusal comes on the connection of the first one.
    let refusals =
        || nodes.iter().filter(|node| node.cli(&["ACL", "LOG"]).contains("count\n2\nreason\ncommand")).count();
    wait_for("two refused heartbeats", || refusals() == 1);
    assert_eq!(ids(), before);
}

/// `DragonflyDB`'s cluster mode refuses PUBLISH and SUBSCRIBE, and has no broadcast tracking.
#[test]
fn deltas_come_over_sharded_channels_where_nodes_refuse_others() {
    const REFUSED: [&str; 4] = ["-publish", "-subscribe", "-psubscribe", "-client"];
    let nodes = start_cluster();
    if nodes[0].cli(&["COMMAND", "INFO", "SPUBLISH"]).is_empty() {
        return println!("skipped: the server has no sharded channels");
    }
    for node in &nodes {
        assert_eq!(node.cli(&[&["ACL", "SETUSER", "default"], REFUSED.as_slice()].concat()), "OK");
    }
    let url = |node: &RedisServer, scheme: &str| format!("{scheme}+cluster://127.0.0.1:{}", node.port);
    let open = |url: &str, base: &str, scope: &str| {
        let prefix = format!("{base}{scope}");
        let options = OpenOptions { base: base.to_owned(), prefix, ..OpenOptions::new(url) };
        let mut peer = Peer::start(options).unwrap();
        peer.until("ready", |peer| peer.events.contains(&Event::Ready));
        peer
    };
    // With a hash tag in the prefix, all documents have the slot of the channel.
    let mut reader = open(&url(&nodes[0], "redis"), "{app}:", "");
    let mut scoped = open(&url(&nodes[0], "redis"), "{app}:", "scope:");
    let mut writer = open(&url(&nodes[1], "REDIS"), "{app}:", "");
    let mut scoped_writer = open(&url(&nodes[1], "REDIS"), "{app}:", "scope:");
    assert_eq!(reader.memory.capabilities().deltas, DeltaDelivery::Unordered);
    for peer in [&mut writer, &mut scoped_writer] {
        peer.assign("log", "[]");
        peer.flush();
    }
    for peer in [&mut reader, &mut scoped] {
        peer.sync();
        assert_eq!(peer.text("log").unwrap(), "[]");
    }
    let owner = |slot: &str| nodes.iter().position(|node| node.cli(&["CLUSTER", "COUNTKEYSINSLOT", slot]) != "0");
    let slot = nodes[0].cli(&["CLUSTER", "KEYSLOT", "{app}:log"]);
    let from = owner(&slot).unwrap();
    let subscribers =
        |node: &RedisServer| node.cli(&["PUBSUB", "SHARDNUMSUB", "sm:{app}:"]).lines().last().unwrap().to_owned();
    assert_eq!(subscribers(&nodes[from]), "2");
    let mut pushed = 0;
    let mut push_and_compare = |rounds: u64| {
        for _ in 0..rounds {
            pushed += 1;
            for (writer, reader) in [(&mut writer, &mut reader), (&mut scoped_writer, &mut scoped)] {
                writer.push("log", pushed);
                writer.flush();
                reader.until("push", |reader| reader.text("log").unwrap().ends_with(&format!("{pushed}]")));
            }
        }
    };
    // Each probe of a document sends STRLEN, and without deltas each push would be found by one.
    let probes = || {
        let stats = nodes[from].cli(&["INFO", "commandstats"]);
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_strlen:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u64>().unwrap())
    };
    let before = probes();
    push_and_compare(100);
    assert!(probes() - before < 100, "{} probes", probes() - before);

    // The subscription moves with the slot, whose keys move with it.
    let [source, target] = [&nodes[from], &nodes[1 - from]];
    let ids = [source, target].map(|node| node.cli(&["CLUSTER", "MYID"]));
    assert_eq!(target.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &ids[0]]), "OK");
    assert_eq!(source.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &ids[1]]), "OK");
    let keys = source.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]);
    let port = target.port.to_string();
    let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "10000", "KEYS"];
    assert_eq!(source.cli(&migrate.into_iter().chain(keys.lines()).collect::<Vec<_>>()), "OK");
    for node in [target, source] {
        assert_eq!(node.cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &ids[1]]), "OK");
    }
    wait_for("subscriptions at the other node", || subscribers(target) == "2");
    push_and_compare(20);

    // Without one, only those of some nodes could be announced: the subscription does not count as delivering.
    let plain = open(&url(&nodes[0], "redis"), "memory:", "");
    assert_eq!(plain.memory.capabilities().deltas, DeltaDelivery::None);
}
