//! What other threads bring for a session, until the thread that drives it takes it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use synced_memory_core::command::Input;

/// A queue of inputs that wakes whoever drains it.
pub struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Queue {
    inputs: VecDeque<Input>,
    /// Threads in `wait`: without any, notifying would be a system call for nothing.
    waiting: usize,
}

impl Mailbox {
    /// `wake` runs when the queue goes from drained to non-empty, or is about to, on the thread that delivers (which
    /// may be the one that drives the session): it must only signal, never drain or block.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { queue: Mutex::default(), arrived: Condvar::new(), wake: Box::new(wake) }
    }

    /// Put inputs at the end.
    pub fn deliver(&self, inputs: impl IntoIterator<Item = Input>) {
        let mut queue = self.lock();
        let was_drained = queue.inputs.is_empty();
        queue.inputs.extend(inputs);
        if was_drained && !queue.inputs.is_empty() {
            let waiting = queue.waiting > 0;
            drop(queue);
            if waiting {
                self.arrived.notify_all();
            }
            (self.wake)();
        }
    }

    /// Wake whoever drains the queue, for something that will be there when he has woken up, or soon after.
    pub(crate) fn wake(&self) {
        (self.wake)();
    }

    /// Take everything out.
    pub fn take_all(&self) -> VecDeque<Input> {
        std::mem::take(&mut self.lock().inputs)
    }

    /// Block until there is something to take; false where the time ran out first.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut queue = self.lock();
        queue.waiting += 1;
        let waited = self.arrived.wait_timeout_while(queue, timeout, |queue| queue.inputs.is_empty());
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.waiting -= 1;
        !queue.inputs.is_empty()
    }

    /// Nobody can panic while holding the lock other than for want of memory: the queue is whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn wakes_once_until_drained() {
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
    fn waits_for_another_thread() {
        let mailbox = Arc::new(Mailbox::new(|| ()));
        assert!(!mailbox.wait(Duration::from_millis(1)));
        let deliverer = Arc::clone(&mailbox);
        let thread = std::thread::spawn(move || deliverer.deliver([Input::Tick]));
        assert!(mailbox.wait(Duration::from_secs(10)));
        thread.join().unwrap();
    }
}
