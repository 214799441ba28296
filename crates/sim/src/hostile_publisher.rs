//! A client that may subscribe to the channel of delta messages and publish on it, and nothing else.

use crate::PREFIX;
use crate::random::Random;
use crate::simulation::{Simulation, trace};
use std::collections::VecDeque;
use std::sync::Arc;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::protocol::{Delta, DeltaDelivery, Secret, encode_delta_message};
use synced_memory_core::session::Input;

/// The number of messages that the publisher keeps, to publish them again.
const MAX_KEPT: usize = 16;

/// The messages that the publisher has received.
#[derive(Default)]
pub(crate) struct HostilePublisher {
    received: VecDeque<Vec<u8>>,
}

impl HostilePublisher {
    fn hear(&mut self, message: &[u8]) {
        if self.received.len() == MAX_KEPT {
            self.received.pop_front();
        }
        self.received.push_back(message.to_vec());
    }

    fn remember(&mut self, random: &mut Random) -> Option<Vec<u8>> {
        let received: &[Vec<u8>] = self.received.make_contiguous();
        if received.is_empty() { None } else { Some(random.pick(received).clone()) }
    }
}

impl Simulation {
    /// Delivers a message of a writer to all clients that listen, and to the publisher.
    pub(crate) fn publish(&mut self, message: &[u8]) {
        self.hostile_publisher.hear(message);
        self.deliver_message(message);
    }

    /// The hostile publisher publishes a message.
    pub(crate) fn forge(&mut self) {
        let Some(message) = self.forged_message() else { return };
        trace!(self, "the hostile publisher publishes {}", String::from_utf8_lossy(&message));
        self.deliver_message(&message);
    }

    fn deliver_message(&mut self, message: &[u8]) {
        let listeners = self.clients.iter_mut().filter(|client| client.notifications().0 != DeltaDelivery::None);
        for connection in listeners.filter_map(|client| client.connection.as_mut()) {
            let message: Arc<[u8]> = message.into();
            connection.notices.push_back(Input::Message { channel: format!("sm:{PREFIX}").into(), message });
        }
    }

    fn forged_message(&mut self) -> Option<Vec<u8>> {
        match self.random.below(6) {
            0 | 1 => Some(self.forged_delta(None)),
            2 => Some(self.forged_delta(Some(&Secret::new("a guess")))),
            3 => {
                let mut message = self.hostile_publisher.remember(&mut self.random)?;
                let at = self.random.below(message.len());
                message[at] = b"0123456789 []"[self.random.below(13)];
                Some(message)
            }
            // A loss of data can take back the commit that an old message is about. Then the message looks like one of a
            // commit that is still to arrive.
            4 if self.guarantees.keeps_data => self.hostile_publisher.remember(&mut self.random),
            _ => Some(format!("sm1 {:040} {} 8 memory:x", 0, self.random.next()).into_bytes()),
        }
    }

    /// A message that fits what is stored in all but its digest.
    fn forged_delta(&mut self, secret: Option<&Secret>) -> Vec<u8> {
        let revisions: Vec<(&str, u64)> = self.server.revisions().into_iter().collect();
        let (name, base) = match revisions.as_slice() {
            [] => (*self.random.pick(&crate::ATTRIBUTES), 0),
            some => *self.random.pick(some),
        };
        let base = Revision(base);
        let revision = Revision(base.0 + 1 + self.random.below(1_000) as u64);
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
}
