//! The events that the host has not received yet.

use super::Event;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct EventQueue {
    events: VecDeque<Event>,
    has_reported_ready: bool,
}

impl EventQueue {
    pub(super) fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Adds [`Event::Ready`], the first time.
    pub(super) fn push_ready(&mut self) {
        if !std::mem::replace(&mut self.has_reported_ready, true) {
            self.push(Event::Ready);
        }
    }

    /// Removes and returns the oldest event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_reported_once() {
        let mut events = EventQueue::default();
        events.push_ready();
        events.push(Event::Connected);
        events.push_ready();
        assert_eq!([events.pop(), events.pop(), events.pop()], [Some(Event::Ready), Some(Event::Connected), None]);
    }
}
