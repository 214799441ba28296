#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;
#[path = "../../tests/fuzz/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::messages(bytes));
