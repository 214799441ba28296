//! The queue between the threads that do I/O and the thread that drives a session.

use crate::lock::lock;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use synced_memory_core::error::SyncError;
use synced_memory_core::session::Input;

/// The most bytes of hints in a queue: see [`Queue::add`].
const MAX_HINT_BYTES: usize = 8 << 20;

/// True for an input without which the session finds the same change by reading.
fn is_hint(input: &Input) -> bool {
    matches!(input, Input::Deltas(_) | Input::Message { .. } | Input::Changed(_) | Input::ChangedAll)
}

/// Queues inputs for one session and wakes the thread that drives it.
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Queue {
    inputs: VecDeque<Input>,
    /// The bytes of text in the inputs that are hints.
    hint_bytes: usize,
    /// Why there will be no more inputs.
    failure: Option<SyncError>,
    /// Threads in `wait`. With none, a notification would be a needless system call.
    waiters: usize,
}

impl Mailbox {
    /// An empty mailbox. `wake` runs when the queue becomes non-empty, or is about to, on the thread that delivers,
    /// which may be the one that drives the session: it must only signal, and must not drain the queue or block.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { queue: Mutex::default(), arrived: Condvar::new(), wake: Box::new(wake) }
    }

    /// Append inputs to the queue.
    pub(crate) fn deliver(&self, inputs: impl IntoIterator<Item = Input>) {
        let mut queue = lock(&self.queue);
        let was_drained = queue.inputs.is_empty();
        for input in inputs {
            queue.add(input);
        }
        if was_drained && !queue.inputs.is_empty() {
            let has_waiters = queue.waiters > 0;
            drop(queue);
            if has_waiters {
                self.arrived.notify_all();
            }
            (self.wake)();
        }
    }

    /// Report that the link has failed: there will be no more inputs.
    pub(crate) fn fail(&self, error: SyncError) {
        lock(&self.queue).failure = Some(error);
        self.arrived.notify_all();
        (self.wake)();
    }

    /// The failure of the link, if it has failed.
    pub(crate) fn failure(&self) -> Option<SyncError> {
        lock(&self.queue).failure.clone()
    }

    /// Run `wake` early: an input will be there by the time the driving thread has woken up, or soon after.
    pub(crate) fn wake(&self) {
        (self.wake)();
    }

    /// Remove and return the oldest input.
    pub(crate) fn take(&self) -> Option<Input> {
        let mut queue = lock(&self.queue);
        let input = queue.inputs.pop_front()?;
        if is_hint(&input) {
            queue.hint_bytes -= input.text_len();
        }
        if queue.inputs.is_empty() {
            // The buffer of a burst is not kept.
            queue.inputs = VecDeque::new();
        }
        Some(input)
    }

    /// True if there are no inputs.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.queue).inputs.is_empty()
    }

    /// Remove and return all inputs.
    #[cfg(test)]
    pub(crate) fn take_all(&self) -> Vec<Input> {
        std::iter::from_fn(|| self.take()).collect()
    }

    /// Block until the queue is non-empty or the link has failed. False if the time ran out first.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let mut queue = lock(&self.queue);
        queue.waiters += 1;
        let waited = self.arrived.wait_timeout_while(queue, timeout, |queue| queue.is_quiet());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.waiters -= 1;
        !queue.is_quiet()
    }
}

impl Queue {
    /// Adds an input. Where the session does not keep up with hints, they are replaced by one that any document may have
    /// changed, so that it reads what has. Answers are kept: the session has asked for each of them.
    fn add(&mut self, input: Input) {
        if is_hint(&input) {
            self.hint_bytes += input.text_len();
        }
        self.inputs.push_back(input);
        if self.hint_bytes > MAX_HINT_BYTES {
            self.inputs.retain(|input| !is_hint(input));
            self.inputs.push_back(Input::ChangedAll);
            self.hint_bytes = Input::ChangedAll.text_len();
        }
    }

    fn is_quiet(&self) -> bool {
        self.inputs.is_empty() && self.failure.is_none()
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use synced_memory_core::protocol::{Answer, RequestId};

    #[test]
    fn it_wakes_once_until_it_is_drained() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&wakes);
        let mailbox = Mailbox::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        mailbox.deliver([]);
        assert_eq!(wakes.load(Ordering::Relaxed), 0);
        mailbox.deliver([Input::Connected]);
        mailbox.deliver([Input::Tick, Input::Tick]);
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        assert_eq!(mailbox.take_all(), [Input::Connected, Input::Tick, Input::Tick]);
        mailbox.deliver([Input::Tick]);
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn hints_that_pile_up_are_replaced_by_one_that_everything_may_have_changed() {
        let mailbox = Mailbox::new(|| ());
        let changed = |keys: usize| Input::Changed(vec!["memory:x".into(); keys]);
        let answer = Input::Answer(RequestId(1), Answer::Replicas(1));
        mailbox.deliver([changed(1), answer.clone(), changed(1)]);
        mailbox.deliver([changed(MAX_HINT_BYTES / 8), answer.clone(), changed(2)]);
        assert_eq!(mailbox.take_all(), [answer.clone(), Input::ChangedAll, answer, changed(2)]);
        mailbox.deliver([changed(1)]);
        assert_eq!(mailbox.take_all(), [changed(1)]);
    }

    #[test]
    fn wait_returns_when_another_thread_delivers() {
        let mailbox = Arc::new(Mailbox::new(|| ()));
        assert!(!mailbox.wait(Duration::from_millis(1)));
        let deliverer = Arc::clone(&mailbox);
        let thread = std::thread::spawn(move || deliverer.deliver([Input::Tick]));
        assert!(mailbox.wait(Duration::from_secs(10)));
        thread.join().unwrap();
    }
}
