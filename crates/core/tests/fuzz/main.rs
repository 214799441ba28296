//! Runs the fuzz targets on the inputs in `crashes/<target>/`, each of which made its target fail once.

#[path = "../support/mod.rs"]
mod support;
mod targets;

use std::fs;
use std::path::Path;

#[test]
fn inputs_that_once_failed_pass() {
    for (name, target) in targets::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/crashes").join(name);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            target(&fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs");
    }
}

/// A short run of what fuzzers do, with the same random numbers every time.
#[test]
fn mutated_inputs_pass() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64)).unwrap()
    };
    for (name, target) in targets::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/crashes").join(name);
        for entry in fs::read_dir(folder).unwrap() {
            let input = fs::read(entry.unwrap().path()).unwrap();
            for _ in 0..100 {
                let mut input = input.clone();
                for _ in 0..=random(4) {
                    let at = random(input.len() + 1);
                    match random(3) {
                        0 => input.insert(at, u8::try_from(random(256)).unwrap()),
                        1 if at < input.len() => input[at] = u8::try_from(random(256)).unwrap(),
                        _ => input.truncate(at.max(1)),
                    }
                }
                target(&input);
            }
        }
    }
}
