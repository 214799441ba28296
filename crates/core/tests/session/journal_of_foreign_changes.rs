//! The journal records a change of another writer as its mutations, not as the whole document.

use crate::support::{Client, Journal, stored_value};
use std::collections::VecDeque;
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::protocol::{Command, Delta, DeltaDelivery, Invalidations};
use synced_memory_core::session::Input;

/// A client whose deltas arrive when the test says so.
struct Peer {
    client: Client,
    deltas: VecDeque<Vec<Delta>>,
}

impl Peer {
    fn connected(mut client: Client, server: &mut MemoryStore) -> Self {
        client.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::None));
        client.connect();
        client.run(server);
        Self { client, deltas: VecDeque::new() }
    }

    fn hear_one(&mut self) -> bool {
        let Some(deltas) = self.deltas.pop_front() else { return false };
        self.client.handle(Input::Deltas(deltas));
        true
    }
}

/// A journalled client, and one without a journal.
fn pair(value: &str) -> (MemoryStore, [Peer; 2]) {
    let mut server = MemoryStore::default();
    let own = Peer::connected(Client::journalled("w", Journal::default()), &mut server);
    let other = Peer::connected(Client::announcing("other"), &mut server);
    let mut peers = [own, other];
    peers[0].client.mutate(&format!(r#"[["assign","x",{value}]]"#));
    settle(&mut peers, &mut server);
    (server, peers)
}

/// The server executes one command of a client, and everybody gets its deltas.
fn serve_one(peers: &mut [Peer; 2], index: usize, server: &mut MemoryStore) -> bool {
    let client = &mut peers[index].client;
    let Some((_, command)) = client.outgoing.front() else { return false };
    if !matches!(command, Command::Commit(..) | Command::Group(..)) {
        return client.serve_one(server);
    }
    let Some((id, command)) = client.outgoing.pop_front() else { return false };
    let Ok(Execution { answer, deltas }) = execute(server, &command, client.monotonic.0);
    client.incoming.push_back((id, answer));
    if !deltas.is_empty() {
        for peer in peers {
            peer.deltas.push_back(deltas.clone());
        }
    }
    true
}

/// Everything is on its way until nothing is.
fn settle(peers: &mut [Peer; 2], server: &mut MemoryStore) {
    for _ in 0..10 {
        for index in 0..2 {
            while serve_one(peers, index, server) || peers[index].client.take_one() || peers[index].hear_one() {}
        }
        for Peer { client, .. } in peers.iter_mut() {
            client.monotonic = client.timeout.map_or(client.monotonic, |timeout| client.monotonic.max(timeout));
            client.handle(Input::Tick);
        }
    }
}

fn journal_len(Client { journal, .. }: &Client) -> usize {
    journal.log.iter().chain(journal.states.values()).map(String::len).sum()
}

/// Both writers change a document by turns.
fn growth_per_turn(value: &str, own: &str, foreign: &str, is_heard_first: bool) -> usize {
    const TURNS: usize = 30;
    let (mut server, mut peers) = pair(value);
    let before = journal_len(&peers[0].client);
    for turn in 0..TURNS {
        peers[1].client.mutate(&foreign.replace("TURN", &turn.to_string()));
        serve_one(&mut peers, 1, &mut server);
        peers[1].client.take_one();
        if is_heard_first {
            while peers[0].hear_one() {}
        }
        peers[0].client.mutate(&own.replace("TURN", &turn.to_string()));
        settle(&mut peers, &mut server);
    }
    peers[0].client.mutate(&own.replace("TURN", "100"));
    let restored = Client::journalled("w", peers[0].client.journal.clone());
    assert!(restored.text("x") == peers[0].client.text("x"), "the journal leads to the value");
    (journal_len(&peers[0].client) - before) / TURNS
}

#[test]
fn mutations_on_top_of_foreign_changes_cost_what_was_changed() {
    let list = format!("[{}]", "\"0123456789\",".repeat(2_000) + "0");
    let append = r#"[["append","x",[],["TURN"]]]"#;
    for is_heard_first in [true, false] {
        let growth = growth_per_turn(&list, append, append, is_heard_first);
        assert!(growth < 1_000, "{growth} bytes a turn for appends to a list of {}", list.len());
    }
    let keys: Vec<String> = (0..1_000).map(|n| format!("\"key{n}\":\"0123456789\"")).collect();
    let dict = format!("{{{}}}", keys.join(","));
    let growth = growth_per_turn(
        &dict,
        r#"[["set","x",[],"key1",TURN]]"#,
        r#"[["set","x",[],"key2","of another: TURN"]]"#,
        true,
    );
    assert!(growth < 1_000, "{growth} bytes a turn for keys of a dict of {}", dict.len());
}

/// Random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Commands, answers and deltas move in any order. After each mutation, the journal leads to the value that the client has.
#[test]
fn the_journal_leads_to_the_value_whatever_arrives_when() {
    for seed in 0..100 {
        let mut random = Random(seed * 7919 + 1);
        let (mut server, mut peers) = pair(r#"["a","b",{"k":1}]"#);
        for n in 0..80 {
            let index = usize::try_from(random.below(2)).unwrap();
            match random.below(9) {
                0..=2 => drop(serve_one(&mut peers, index, &mut server)),
                3 | 4 => drop(peers[index].client.take_one()),
                5 | 6 => drop(peers[index].hear_one()),
                _ => {
                    let mutation = match random.below(6) {
                        0..=2 => format!(r#"["append","x",[],["{index} {n}"]]"#),
                        3 => format!(r#"["splice","x",[],0,0,["{index} {n}"]]"#),
                        4 => r#"["splice","x",[],1,1,[]]"#.to_owned(),
                        _ => format!(r#"["replace","x",[],0,{n}]"#),
                    };
                    // An index may be gone.
                    if peers[index].client.try_mutate(&format!("[{mutation}]")).is_err() {
                        continue;
                    }
                    let client = &peers[0].client;
                    let restored = Client::journalled("w", client.journal.clone());
                    if index == 0 {
                        assert_eq!(restored.text("x"), client.text("x"), "seed {seed}, step {n}");
                    }
                }
            }
        }
        settle(&mut peers, &mut server);
        let text = stored_value(&mut server, "x");
        for Peer { client, .. } in &peers {
            assert_eq!(client.text("x"), text, "seed {seed}");
        }
        peers[0].client.mutate(r#"[["append","x",[],["last"]]]"#);
        let mut restored = Client::journalled("w", peers[0].client.journal.clone());
        restored.connect();
        restored.run(&mut server);
        assert_eq!(stored_value(&mut server, "x"), text.replace(']', r#","last"]"#).replace("[,", "["), "seed {seed}");
    }
}
