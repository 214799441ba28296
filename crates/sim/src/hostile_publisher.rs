//! A client that may subscribe to the channel of delta messages and publish on it, and nothing else.

use crate::PREFIX;
use crate::random::Random;
use crate::server::Server;
use std::collections::VecDeque;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::protocol::{Delta, Secret, encode_delta_message};

/// The number of messages that the publisher keeps, to publish them again.
const MAX_KEPT: usize = 16;

/// The messages that the publisher has received.
#[derive(Default)]
pub(crate) struct HostilePublisher {
    received: VecDeque<Vec<u8>>,
}

impl HostilePublisher {
    pub(crate) fn receive(&mut self, message: &[u8]) {
        if self.received.len() == MAX_KEPT {
            self.received.pop_front();
        }
        self.received.push_back(message.to_vec());
    }

    /// A message to publish, if there is one. `may_repeat` tells whether it may be one that was received, unchanged.
    pub(crate) fn forge(&mut self, server: &mut Server, may_repeat: bool, random: &mut Random) -> Option<Vec<u8>> {
        match random.below(6) {
            0 | 1 => Some(forged_delta(server, None, random)),
            2 => Some(forged_delta(server, Some(&Secret::new("a guess")), random)),
            3 => {
                let mut message = self.pick_received(random)?;
                let at = random.below(message.len());
                message[at] = b"0123456789 []"[random.below(13)];
                Some(message)
            }
            4 if may_repeat => self.pick_received(random),
            _ => Some(format!("sm1 {:040} {} 8 memory:x", 0, random.next()).into_bytes()),
        }
    }

    fn pick_received(&mut self, random: &mut Random) -> Option<Vec<u8>> {
        let received: &[Vec<u8>] = self.received.make_contiguous();
        if received.is_empty() { None } else { Some(random.pick(received).clone()) }
    }
}

/// A message that fits what is stored in all but its digest.
fn forged_delta(server: &mut Server, secret: Option<&Secret>, random: &mut Random) -> Vec<u8> {
    let revisions: Vec<(&str, u64)> = server.revisions().into_iter().collect();
    let (name, base) = match revisions.as_slice() {
        [] => (*random.pick(&crate::ATTRIBUTES), 0),
        some => *random.pick(some),
    };
    let base = Revision(base);
    let revision = Revision(base.0 + 1 + random.below(1_000) as u64);
    let text = format!("{{\"value\":\"forged\",\"last_modified\":{revision}}}");
    let delta = Delta {
        key: format!("{PREFIX}{name}"),
        writer: WriterId("hostile".into()),
        base,
        revision,
        len: ByteLen(text.len()),
        mutations: r#"[["assign","","forged"]]"#.into(),
    };
    encode_delta_message(&[delta], secret).into_bytes()
}
