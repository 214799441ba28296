//! The backends of the core keep the contract.

mod contract;
mod encoded;
mod exchange;
mod in_process_server;
mod vectors;

use synced_memory_core::backend::{InProcessServer, MemoryStore, Notification};
use synced_memory_core::protocol::{Answer, Command, CommitForm, Delta};

#[test]
fn the_in_process_store_keeps_the_contract() {
    contract::check_store(MemoryStore::new);
}

#[test]
fn the_in_process_server_keeps_the_contract() {
    for vector in vectors::vectors().iter().filter(|vector| vector.other_type.is_empty()) {
        vector.replay(&mut InProcessServer::new());
    }
}

impl vectors::Backend for InProcessServer {
    fn store(&mut self, key: &str, text: &str) {
        self.execute(&["SET", key, text].map(|argument| argument.as_bytes().to_vec()), 0);
    }

    fn execute(&mut self, command: &Command) -> Answer {
        // The server in the process runs both forms alike.
        exchange::execute(command, CommitForm::Reserved, |command| InProcessServer::execute(self, command, 0))
    }

    fn take_deltas(&mut self) -> Vec<Delta> {
        let mut deltas = Vec::new();
        while let Some(notification) = self.poll_notification() {
            let Notification::Message { channel, message } = notification else { continue };
            assert_eq!(channel, "sm:memory:");
            deltas.extend(exchange::deltas_of(&message));
        }
        deltas
    }
}
