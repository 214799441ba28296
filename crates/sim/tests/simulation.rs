//! The seeds of every test run, and the saved runs.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use synced_memory_sim::{Action, Options, Scenario, run};

const SEEDS: u64 = 2000;

#[test]
fn fresh_seeds() {
    let next = AtomicU64::new(1);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > SEEDS {
                        break;
                    }
                    if let Err(failure) = run(&Scenario::generate(seed), Options::default()) {
                        panic!("seed {seed}: {failure}\nnpm run sim -- --from {seed} --seeds 1 prints the trace");
                    }
                }
            });
        }
    });
}

#[test]
fn saved_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = Scenario::from_json(&fs::read_to_string(&path).unwrap()).expect("a saved run");
        if let Err(failure) = run(&scenario, Options::default()) {
            panic!("{}: {failure}", path.display());
        }
        count += 1;
    }
    assert!(count > 0);
}

/// A single client needs no transformation of indexes, so the model of tasks must always agree with it.
#[test]
fn a_single_client_keeps_its_intent() {
    for seed in 1..=300 {
        let mut scenario = Scenario { clients: 1, ..Scenario::generate(seed) };
        scenario.steps.retain(|step| step.client == 0 && !matches!(step.action, Action::Crash | Action::Busy));
        if let Err(failure) = run(&scenario, Options { intent: true }) {
            panic!("seed {seed}: {failure}");
        }
    }
}

#[test]
fn a_scenario_survives_being_saved() {
    let scenario = Scenario::generate(7);
    assert_eq!(Scenario::from_json(&scenario.to_json()), Some(scenario));
}
