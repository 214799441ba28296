//! Shrinks a failing run to a short one that fails the same check.

use crate::failure::Failure;
use crate::scenario::{Action, Scenario};
use crate::{Options, run};

/// Removes kinds of steps, clients, ranges and single steps as long as the same check fails.
pub fn shrink(scenario: &Scenario, failure: &Failure, options: Options) -> Scenario {
    let fails = |candidate: &Scenario| run(candidate, options).is_err_and(|found| found.check == failure.check);
    let mut best = scenario.clone();
    loop {
        let before = best.clone();
        for &action in Action::ALL {
            keep(&mut best, &fails, |candidate| candidate.steps.retain(|step| step.action != action));
        }
        for client in (0..best.clients).rev().filter(|_| best.clients > 1).collect::<Vec<_>>() {
            keep(&mut best, &fails, |candidate| leave_out(candidate, client));
        }
        let mut range_len = best.steps.len() / 2;
        while range_len > 0 {
            let mut at = best.steps.len();
            while at > 0 {
                let from = at.saturating_sub(range_len);
                keep(&mut best, &fails, |candidate| drop(candidate.steps.drain(from..at)));
                at = from;
            }
            range_len /= 2;
        }
        if best == before {
            return best;
        }
    }
}

fn keep(best: &mut Scenario, fails: &impl Fn(&Scenario) -> bool, change: impl FnOnce(&mut Scenario)) {
    let mut candidate = best.clone();
    change(&mut candidate);
    if candidate != *best && fails(&candidate) {
        *best = candidate;
    }
}

fn leave_out(scenario: &mut Scenario, client: usize) {
    if scenario.clients < 2 || client >= scenario.clients {
        return;
    }
    scenario.clients -= 1;
    scenario.steps.retain(|step| step.client != client);
    for step in &mut scenario.steps {
        step.client -= usize::from(step.client > client);
    }
}
