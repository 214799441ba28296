//! Random work by several writers over wires that lose everything now and then, with a foreign writer in between.

mod support;

use support::oracle::{Choice, Oracle};
use support::{Client, put, stored, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::document::Node;

#[test]
fn replicas_agree_and_nothing_is_lost_or_doubled() {
    for seed in 1..=400_u64 {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = move |n: u32| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        u32::try_from(random % u64::from(n.max(1))).unwrap()
    };
    let mut server = MemoryStore::default();
    let mut clients: Vec<_> = ["a", "b", "c"].into_iter().map(|w| Client::connected(w, &mut server)).collect();
    clients[0].mutate(r#"[["assign","log",[]],["assign","data",{"list":[1,2,3],"dict":{"k":[]}}]]"#);
    clients[0].run(&mut server);
    for client in &mut clients {
        client.refresh(&mut server);
    }
    let mut appended = Vec::new();
    for step in 0..150_u32 {
        let writer = below(3);
        let client = &mut clients[writer as usize];
        match below(16) {
            0..=2 => {
                client.mutate(&format!(r#"[["append","log",[],["{writer}:{step}"]]]"#));
                appended.push(format!("{writer}:{step}"));
            }
            3..=6 => {
                if let Some(value) = client.session.value("data").cloned() {
                    if let Some((wire, _)) = Oracle::new(value).next_wire(&Choice::draw(&mut below), "data") {
                        client.mutate(&format!("[{wire}]"));
                    }
                } else {
                    client.mutate(r#"[["create","data",{"again":[]}]]"#);
                }
            }
            7..=9 => drop(client.serve_one(&mut server)),
            10..=12 => drop(client.take_one()),
            // Clocks stand still, run, and jump back.
            13 => client.unix_ns = client.unix_ns + u64::from(below(3)) - u64::from(below(3)),
            14 => {
                client.disconnect();
                client.connect();
            }
            _ => foreign_write(&mut server, &mut below),
        }
    }
    for client in &mut clients {
        client.run(&mut server);
    }
    for client in &mut clients {
        client.refresh(&mut server);
    }
    for name in ["log", "data"] {
        let text = stored_value(&mut server, name);
        for client in &clients {
            assert_eq!(client.text(name), text, "seed {seed}, {name}");
            assert_eq!(client.session.revision(name), clients[0].session.revision(name), "seed {seed}, {name}");
        }
    }
    let log: Vec<String> = serde_json::from_str(&clients[0].text("log")).unwrap();
    for writer in ["0:", "1:", "2:"] {
        let own = |items: &[String]| items.iter().filter(|item| item.starts_with(writer)).cloned().collect::<Vec<_>>();
        assert_eq!(own(&log), own(&appended), "seed {seed}: each once, in the order it was made");
    }
    for client in &clients {
        assert_eq!(client.session.first_pending(), None, "seed {seed}");
    }
}

/// As the Python package writes: the whole document, in its own spelling, without a look at what it replaces.
fn foreign_write(server: &mut MemoryStore, below: &mut impl FnMut(u32) -> u32) {
    let text = stored(server, "data");
    let Ok(value) = Node::parse(&stored_value(server, "data")) else { return };
    let Some((_, new)) = Oracle::new(value).next_wire(&Choice::draw(below), "data") else { return };
    let digits: String = text.rsplit(':').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    let revision = digits.parse::<u64>().unwrap() + 1 + u64::from(below(5));
    put(server, "data", format!("{{\"value\": {new}, \"last_modified\": {revision}}}").as_bytes());
}
