//! The in-process store keeps the contract of stores.

mod answers;
mod contract;

use synced_memory_core::backend::MemoryStore;

#[test]
fn the_in_process_store_keeps_the_contract() {
    contract::every_rule(std::iter::repeat_n(MemoryStore::new(), contract::STORES));
}
