//! Command line of the simulator: runs many seeds on all cores and reports the failures.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use synced_memory_sim::{Failure, INTENT_BY_TRANSFORMATION, Options, Scenario, run, shrink, trace};

const USAGE: &str = "\
synced-memory-sim [--seeds N] [--from S] [--threads T] [--intent] [--count | --save]
synced-memory-sim --replay FILE

  --seeds N    number of seeds (2000)
  --from S     first seed (1)
  --threads T  number of threads (all cores)
  --intent     check the model of tasks even where it is switched off
  --count      continue after failures and count them
  --save       save the shrunk run of the first failure in crates/sim/vectors
  --replay F   run a saved run and print its trace";

struct Arguments {
    seeds: u64,
    from: u64,
    threads: usize,
    options: Options,
    count: bool,
    save: bool,
    replay: Option<String>,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // A panic of the core is reported as a failure.
    std::panic::set_hook(Box::new(|_| {}));
    match &arguments.replay {
        Some(file) => replay(file, arguments.options),
        None => simulate(&arguments),
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let options = Options { intent: INTENT_BY_TRANSFORMATION };
    let mut all = Arguments { seeds: 2000, from: 1, threads, options, count: false, save: false, replay: None };
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => all.seeds = given.next()?.replace('_', "").parse().ok()?,
            "--from" => all.from = given.next()?.parse().ok()?,
            "--threads" => all.threads = given.next()?.parse().ok()?,
            "--intent" => all.options.intent = true,
            "--count" => all.count = true,
            "--save" => all.save = true,
            "--replay" => all.replay = Some(given.next()?),
            _ => return None,
        }
    }
    Some(all)
}

fn simulate(arguments: &Arguments) -> ExitCode {
    let Arguments { seeds, from, options, .. } = *arguments;
    let begin = Instant::now();
    let (next, done, stop) = (AtomicU64::new(from), AtomicU64::new(0), AtomicBool::new(false));
    let failures: Mutex<BTreeMap<u64, Failure>> = Mutex::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= from.saturating_add(seeds) {
                            break;
                        }
                        if let Err(failure) = run(&Scenario::generate(seed), options) {
                            failures.lock().expect("no panic while locked").insert(seed, failure);
                            stop.fetch_or(!arguments.count, Ordering::Relaxed);
                        }
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let mut last_report = Instant::now();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::park_timeout(Duration::from_millis(20));
            if last_report.elapsed() > Duration::from_secs(20) {
                last_report = Instant::now();
                println!("{}", pace(done.load(Ordering::Relaxed), begin));
            }
        }
    });
    let done = done.into_inner();
    let failures = failures.into_inner().expect("no panic while locked");
    println!("seeds {from} to {}: {}, {} failed", from + seeds - 1, pace(done, begin), failures.len());
    for (seed, failure) in failures.iter().take(20) {
        println!("seed {seed}: {failure}");
    }
    let mut by_check: BTreeMap<&str, u64> = BTreeMap::new();
    for failure in failures.values() {
        *by_check.entry(failure.check).or_default() += 1;
    }
    if arguments.count {
        println!("by check: {by_check:?}");
    }
    let Some((seed, failure)) = failures.first_key_value() else { return ExitCode::SUCCESS };
    if !arguments.count {
        report(*seed, failure, arguments);
    }
    ExitCode::FAILURE
}

fn pace(done: u64, begin: Instant) -> String {
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rounded number for people")]
    let per_minute = done as f64 / seconds * 60.0;
    format!("{done} seeds in {seconds:.1} s, {per_minute:.0} a minute")
}

/// Shrinks a failure, prints its trace, and saves it if wanted.
fn report(seed: u64, failure: &Failure, arguments: &Arguments) {
    let scenario = shrink(&Scenario::generate(seed), failure, arguments.options);
    let (result, lines) = trace(&scenario, arguments.options);
    println!("\nshrunk to {} steps by {} clients:\n{}", scenario.steps.len(), scenario.clients, scenario.to_json());
    println!("{}", lines.join("\n"));
    if let Err(failure) = result {
        println!("{failure}");
    }
    println!("\nseed {seed} failed; to run it alone: --from {seed} --seeds 1");
    if arguments.save {
        let path = format!("{}/vectors/{}-{seed}.json", env!("CARGO_MANIFEST_DIR"), failure.check);
        match fs::write(&path, scenario.to_json()) {
            Ok(()) => println!("saved as {path}"),
            Err(error) => println!("{path} could not be written: {error}"),
        }
    }
}

fn replay(file: &str, options: Options) -> ExitCode {
    let Some(scenario) = fs::read_to_string(file).ok().and_then(|text| Scenario::from_json(&text)) else {
        eprintln!("{file} is not a saved run");
        return ExitCode::from(2);
    };
    let (result, lines) = trace(&scenario, options);
    println!("{}", lines.join("\n"));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
