//! Where commands wait, and what is under way. A thread that drives a session starts flights by
//! itself and writes them to the socket; the I/O thread takes in replies. Handing every command to
//! the I/O thread instead would cost a thread switch, a third of the time of a commit on loopback.

use super::flight::{Flight, Sortie, Waiting};
use super::news::Heard;
use super::server::{Driver, Line, MAX_FLIGHTS};
use crate::link::{Origin, SessionId};
use redis::{RedisResult, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use synced_memory_core::command::Command;
use tokio::runtime::Handle;

#[derive(Default)]
pub(super) struct Deck {
    /// None without a connection: then commands are dropped, as sessions send them again after `Connected`.
    waiting: Mutex<Option<VecDeque<Waiting>>>,
    traffic: Mutex<Traffic>,
    /// The protocol's version, and what is heard; None without a connection.
    found: Mutex<Option<(u8, Heard)>>,
}

#[derive(Default)]
struct Traffic {
    connection: Option<redis::aio::MultiplexedConnection>,
    /// Moves bytes between the connection's queue and its socket; None where a task of its own does.
    driver: Option<Driver>,
    /// The driver has ended, and with it the connection. It must not be polled again, whichever thread noticed.
    ended: bool,
    in_flight: InFlight,
    /// What the server answered with NOSCRIPT. It goes out again in the order it was first sent, and before
    /// anything else: a commit must not overtake the one it builds on.
    again: Vec<Sortie>,
    /// Wakes the I/O thread's task, whichever thread polls.
    waker: Option<Waker>,
}

/// Flights in the order in which they come back.
#[derive(Default)]
struct InFlight {
    flights: VecDeque<Flight>,
    awaited: Arc<Awaited>,
}

impl InFlight {
    fn push(&mut self, flight: Flight) {
        if self.flights.is_empty() {
            self.awaited.set(Some(&flight));
        }
        self.flights.push_back(flight);
    }

    fn pop(&mut self) -> Option<Flight> {
        let first = self.flights.pop_front();
        self.awaited.set(self.flights.front());
        first
    }
}

/// Whose the first flight is, until bytes have come since it became the first: to be told once is enough.
#[derive(Default)]
struct Awaited(AtomicU64);

impl Awaited {
    fn set(&self, first: Option<&Flight>) {
        // No session's number is 0.
        self.0.store(first.and_then(Flight::session).map_or(0, |session| session.0), Ordering::Relaxed);
    }

    fn take(&self) -> Option<SessionId> {
        Some(SessionId(self.0.swap(0, Ordering::Relaxed))).filter(|session| session.0 != 0)
    }
}

impl Traffic {
    /// Move bytes. False where the connection is closed, or where it is not driven from here.
    fn drive(&mut self, context: &mut Context<'_>) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        if driver.work.as_mut().poll(context).is_ready() {
            (self.driver, self.ended) = (None, true);
        }
        !self.ended
    }
}

/// What the I/O thread learns.
pub(super) enum Arrival {
    /// The first flight is back.
    Landed(Flight, RedisResult<Vec<Value>>),
    /// The connection is closed.
    Closed,
}

impl Deck {
    /// A connection is there. `coming` is told whose the next reply is when it comes, but before it is read: whoever
    /// waits for it takes about as long to wake up.
    pub(super) fn open(&self, line: &mut Line, coming: impl Fn(SessionId) + Send + Sync + 'static) {
        *lock(&self.waiting) = Some(VecDeque::new());
        *lock(&self.found) = Some((line.resp, line.heard));
        let connection = Some(line.connection.clone());
        let driver = line.driver.take();
        let in_flight = InFlight::default();
        if let Some(driver) = &driver {
            let awaited = Arc::clone(&in_flight.awaited);
            let told = driver.herald.set(Box::new(move || awaited.take().into_iter().for_each(&coming)));
            debug_assert!(told.is_ok(), "a connection is opened once");
        }
        *lock(&self.traffic) = Traffic { connection, driver, in_flight, ..Traffic::default() };
    }

    /// The connection is gone, and everything on it.
    pub(super) fn close(&self) {
        *lock(&self.waiting) = None;
        *lock(&self.found) = None;
        *lock(&self.traffic) = Traffic::default();
    }

    pub(super) fn found(&self) -> Option<(u8, Heard)> {
        *lock(&self.found)
    }

    /// Put a command in line.
    pub(super) fn queue(&self, origin: Origin, command: Command, asking: bool) {
        if let Some(waiting) = &mut *lock(&self.waiting) {
            waiting.push_back(Waiting { origin, command, asking });
        }
    }

    /// Send what waits, from a thread that drives a session. False where the I/O thread has to,
    /// because it is busy with the connection.
    pub(super) fn send_here(&self, runtime: &Handle) -> bool {
        let Ok(mut traffic) = self.traffic.try_lock() else { return false };
        let Some(waker) = traffic.waker.clone() else { return false };
        let _context_of_sockets = runtime.enter();
        // What is put into the connection's queue wakes whoever polled the driver last. Let that be nobody:
        // the I/O thread would only wake up to find the work done.
        if !traffic.drive(&mut Context::from_waker(Waker::noop())) {
            return false;
        }
        let mut context = Context::from_waker(&waker);
        self.start_flights(&mut traffic, &mut context);
        traffic.drive(&mut context)
    }

    /// On the I/O thread: send what waits, take in what arrives.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Arrival> {
        let mut traffic = lock(&self.traffic);
        if !traffic.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            traffic.waker = Some(context.waker().clone());
        }
        self.start_flights(&mut traffic, context);
        if traffic.ended || (traffic.driver.is_some() && !traffic.drive(context)) {
            return Poll::Ready(Arrival::Closed);
        }
        // A server answers in the order it was asked, so only the first flight can be back.
        let Some(first) = traffic.in_flight.flights.front_mut() else { return Poll::Pending };
        let Poll::Ready(replies) = first.replies.as_mut().poll(context) else { return Poll::Pending };
        match traffic.in_flight.pop() {
            Some(flight) => Poll::Ready(Arrival::Landed(flight, replies)),
            None => Poll::Pending,
        }
    }

    /// To be sent before anything that waits, once everything under way is back.
    pub(super) fn send_again(&self, sorties: Vec<Sortie>) {
        lock(&self.traffic).again.extend(sorties);
    }

    fn start_flights(&self, traffic: &mut Traffic, context: &mut Context<'_>) {
        let Some(connection) = &traffic.connection else { return };
        if !traffic.again.is_empty() {
            if traffic.in_flight.flights.is_empty() {
                let flight = Flight::start(std::mem::take(&mut traffic.again), connection, context);
                traffic.in_flight.push(flight);
            }
            return;
        }
        while traffic.in_flight.flights.len() < MAX_FLIGHTS {
            let sorties = match &mut *lock(&self.waiting) {
                Some(waiting) if !waiting.is_empty() => Sortie::next_few(waiting),
                _ => return,
            };
            let flight = Flight::start(sorties, connection, context);
            traffic.in_flight.push(flight);
        }
    }
}

/// Nothing here panics while it holds a lock but for want of memory.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
