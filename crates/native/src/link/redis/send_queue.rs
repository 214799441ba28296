//! The queue in front of a connection.
//!
//! A thread that drives a session starts pipelines by itself and writes them to the socket; the I/O thread takes in the
//! replies. If every command went through the I/O thread, a switch between threads would take a third of the time of a
//! commit on loopback.

use super::connection::{Connection, ConnectionProperties, Driver, MAX_PIPELINES_IN_FLIGHT};
use super::pipeline::{EncodedCommand, Pipeline, QueuedCommand};
use crate::link::SessionId;
use crate::lock::lock;
use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use synced_memory_core::protocol::CommitForm;
use tokio::runtime::Handle;

/// Queues commands until the connection can take them, and sends them in the order in which they were queued. Without a
/// connection it drops them, because sessions send their commands again once they are connected.
#[derive(Default)]
pub(super) struct SendQueue {
    /// The commands that wait; None without a connection.
    commands: Mutex<Option<VecDeque<QueuedCommand>>>,
    /// The connection; None without one.
    traffic: Mutex<Option<Traffic>>,
    /// The properties of the connection; None without one.
    properties: Mutex<Option<ConnectionProperties>>,
}

/// An event for the task that owns the connection.
pub(super) enum PipelineEvent {
    /// The replies to the oldest pipeline have come, or the connection failed.
    Completed(Pipeline, RedisResult<Vec<Value>>),
    /// The connection is closed.
    Closed,
}

impl SendQueue {
    /// Use a connection from now on. `on_reply_arriving` is called as soon as the server has sent something, with the
    /// session that owns the oldest pipeline, so that the thread of the session wakes up while the reply is being parsed.
    pub(super) fn open(
        &self,
        connection: &mut Connection,
        on_reply_arriving: impl Fn(SessionId) + Send + Sync + 'static,
    ) {
        let driver = connection.driver.take();
        let in_flight = InFlightPipelines::default();
        if let Some(driver) = &driver {
            let oldest_owner = Arc::clone(&in_flight.oldest_owner);
            driver.read_notifier.set(move || oldest_owner.take().into_iter().for_each(&on_reply_arriving));
        }
        *lock(&self.commands) = Some(VecDeque::new());
        *lock(&self.properties) = Some(connection.properties);
        *lock(&self.traffic) = Some(Traffic {
            connection: connection.multiplexed.clone(),
            driver,
            is_closed: false,
            commit_form: connection.properties.commit_form,
            in_flight,
            resends: Vec::new(),
            io_waker: None,
        });
    }

    /// The connection is lost. Commands that wait or are in flight are dropped.
    pub(super) fn close(&self) {
        *lock(&self.commands) = None;
        *lock(&self.properties) = None;
        *lock(&self.traffic) = None;
    }

    /// The properties of the connection; None without one.
    pub(super) fn properties(&self) -> Option<ConnectionProperties> {
        *lock(&self.properties)
    }

    /// The connection, for requests beside the queue; None without one.
    pub(super) fn connection(&self) -> Option<MultiplexedConnection> {
        lock(&self.traffic).as_ref().map(|traffic| traffic.connection.clone())
    }

    /// Append a command to the queue.
    pub(super) fn push(&self, command: QueuedCommand) {
        if let Some(commands) = &mut *lock(&self.commands) {
            commands.push_back(command);
        }
    }

    /// Send what is queued from a thread that drives a session. False if the I/O thread must do it, because it is using
    /// the connection at this moment.
    pub(super) fn send_from_caller(&self, runtime: &Handle) -> bool {
        let Ok(mut traffic) = self.traffic.try_lock() else { return false };
        let Some(traffic) = &mut *traffic else { return false };
        let Some(io_waker) = traffic.io_waker.clone() else { return false };
        let _runtime_of_sockets = runtime.enter();
        // Queueing wakes the task that polled the driver last. This poll puts a waker there that does nothing, so that
        // the I/O thread is not woken for work that this thread does itself.
        if !traffic.drive(&mut Context::from_waker(Waker::noop())) {
            return false;
        }
        let mut context = Context::from_waker(&io_waker);
        self.start_pipelines(traffic, &mut context);
        traffic.drive(&mut context)
    }

    /// On the I/O thread: send what is queued and take in replies.
    pub(super) fn poll_event(&self, context: &mut Context<'_>) -> Poll<PipelineEvent> {
        let mut traffic = lock(&self.traffic);
        let Some(traffic) = &mut *traffic else { return Poll::Ready(PipelineEvent::Closed) };
        if !traffic.io_waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            traffic.io_waker = Some(context.waker().clone());
        }
        self.start_pipelines(traffic, context);
        if traffic.is_closed || (traffic.driver.is_some() && !traffic.drive(context)) {
            return Poll::Ready(PipelineEvent::Closed);
        }
        match traffic.in_flight.poll_oldest(context) {
            Poll::Ready((pipeline, replies)) => Poll::Ready(PipelineEvent::Completed(pipeline, replies)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Send these commands again, once nothing is in flight and before anything that is queued.
    pub(super) fn resend(&self, commands: Vec<EncodedCommand>) {
        if let Some(traffic) = &mut *lock(&self.traffic) {
            traffic.resends.extend(commands);
        }
    }

    fn start_pipelines(&self, traffic: &mut Traffic, context: &mut Context<'_>) {
        if !traffic.resends.is_empty() {
            if traffic.in_flight.is_empty() {
                let commands = std::mem::take(&mut traffic.resends);
                traffic.start(commands, context);
            }
            return;
        }
        while traffic.in_flight.len() < MAX_PIPELINES_IN_FLIGHT {
            let commands = match &mut *lock(&self.commands) {
                Some(queue) if !queue.is_empty() => EncodedCommand::take_batch(queue, traffic.commit_form),
                _ => return,
            };
            traffic.start(commands, context);
        }
    }
}

/// A connection and what is in flight on it.
struct Traffic {
    connection: MultiplexedConnection,
    /// None where a task of the redis crate drives the connection (TLS and Unix sockets).
    driver: Option<Driver>,
    /// True once the driver has ended. It must not be polled again, whichever thread noticed.
    is_closed: bool,
    commit_form: CommitForm,
    in_flight: InFlightPipelines,
    /// Commands that the server answered with NOSCRIPT. They are sent again in their first order and before anything
    /// else, because a commit must not overtake the one that it was built on.
    resends: Vec<EncodedCommand>,
    /// Wakes the I/O thread; None until it has polled.
    io_waker: Option<Waker>,
}

impl Traffic {
    fn start(&mut self, commands: Vec<EncodedCommand>, context: &mut Context<'_>) {
        self.in_flight.push(Pipeline::start(commands, &self.connection, context));
    }

    /// Moves bytes. Returns false if the connection is closed, or if a task of the redis crate drives it (TLS and Unix
    /// sockets).
    fn drive(&mut self, context: &mut Context<'_>) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        if driver.work.as_mut().poll(context).is_ready() {
            (self.driver, self.is_closed) = (None, true);
        }
        !self.is_closed
    }
}

/// The pipelines in flight, oldest first. A server answers in order, so the oldest one is completed first.
#[derive(Default)]
struct InFlightPipelines {
    pipelines: VecDeque<Pipeline>,
    oldest_owner: Arc<OldestOwner>,
}

impl InFlightPipelines {
    fn push(&mut self, pipeline: Pipeline) {
        if self.pipelines.is_empty() {
            self.oldest_owner.set(Some(&pipeline));
        }
        self.pipelines.push_back(pipeline);
    }

    fn poll_oldest(&mut self, context: &mut Context<'_>) -> Poll<(Pipeline, RedisResult<Vec<Value>>)> {
        let Some(oldest) = self.pipelines.front_mut() else { return Poll::Pending };
        let Poll::Ready(replies) = oldest.replies.as_mut().poll(context) else { return Poll::Pending };
        let oldest = self.pipelines.pop_front();
        self.oldest_owner.set(self.pipelines.front());
        oldest.map_or(Poll::Pending, |oldest| Poll::Ready((oldest, replies)))
    }

    fn is_empty(&self) -> bool {
        self.pipelines.is_empty()
    }

    fn len(&self) -> usize {
        self.pipelines.len()
    }
}

/// The session that owns the oldest pipeline in flight; cleared after its early wake-up. 0 stands for none, as no
/// session has that number.
#[derive(Default)]
struct OldestOwner(AtomicU64);

impl OldestOwner {
    fn set(&self, oldest: Option<&Pipeline>) {
        let session = oldest.and_then(Pipeline::session).map_or(0, |session| session.0);
        self.0.store(session, Ordering::Relaxed);
    }

    fn take(&self) -> Option<SessionId> {
        Some(SessionId(self.0.swap(0, Ordering::Relaxed))).filter(|session| session.0 != 0)
    }
}

#[cfg(test)]
mod tests;
