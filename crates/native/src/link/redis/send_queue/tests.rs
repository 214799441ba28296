//! The order of commands on a connection, seen from the server's end of it.

use super::super::notifications::NotificationSupport;
use super::super::pipeline::CompletedPipeline;
use super::super::read_notifier::{NotifyingSocket, ReadNotifier};
use super::*;
use crate::link::Origin;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo};
use std::future::poll_fn;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::document::Guard;
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::protocol::{
    Answer, Command, Commit, CommitOutcome, ContentionTerms, DEDUP_KEY_SECONDS, RequestId,
};
use synced_memory_core::splice::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::unbounded_channel;

const APPLIED: &str = "*1\r\n$7\r\napplied\r\n";
/// Sequences are larger than every other number in a command.
const SEQUENCES_FROM: u64 = 1_000_000_000;
const NO_SCRIPT: &str = "-NOSCRIPT No matching script. Please use EVAL.\r\n";

/// A send queue, and a server that a test plays.
struct Fixture {
    queue: SendQueue,
    socket: DuplexStream,
    /// The sessions that were woken early.
    early: Arc<Mutex<Vec<SessionId>>>,
    _connection: Connection,
}

/// A command that the server received: ASKING, or the call of a script with the sequence of its commit.
#[derive(PartialEq, Eq, Debug)]
enum Received {
    EvalSha(u64),
    Eval(u64),
    Asking,
}

use Received::{Asking, Eval, EvalSha};

fn commit(session: u64, sequence: u64) -> QueuedCommand {
    let commit = Commit {
        key: "memory:log".into(),
        writer: WriterId("w".into()),
        sequence: Sequence(SEQUENCES_FROM + sequence),
        after: None,
        needs_dedup_key: false,
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        guard: Guard::Absent,
        plan: Plan::Set("[]".into()),
        revision: Revision(1),
        ttl_ms: None,
        names_key: None,
        max_entries: None,
        terms: ContentionTerms { text_limit: ByteLen(0), ..ContentionTerms::default() },
        announcement: None,
    };
    let origin = Origin { session: SessionId(session), request: RequestId(sequence) };
    QueuedCommand { origin, command: Command::Commit(commit.into(), None), asking: false }
}

fn applied(sequences: impl IntoIterator<Item = u64>) -> Vec<(Origin, Answer)> {
    let answer = |sequence| {
        let origin = Origin { session: SessionId(1), request: RequestId(sequence) };
        (origin, Answer::Committed(CommitOutcome::Applied))
    };
    sequences.into_iter().map(answer).collect()
}

fn evalsha(sequences: impl IntoIterator<Item = u64>) -> Vec<Received> {
    sequences.into_iter().map(EvalSha).collect()
}

impl Fixture {
    async fn new() -> Self {
        let (client, socket) = tokio::io::duplex(1 << 20);
        let read_notifier = ReadNotifier::default();
        let settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        let config =
            AsyncConnectionConfig::new().set_response_timeout(None).set_pipeline_buffer_size(MAX_PIPELINES_IN_FLIGHT);
        let client = NotifyingSocket::new(client, read_notifier.clone());
        let (multiplexed, work) = MultiplexedConnection::new_with_config(&settings, client, config).await.unwrap();
        let properties = ConnectionProperties {
            resp: 2,
            notifications: NotificationSupport::default(),
            commit_form: CommitForm::Standard,
        };
        let mut connection = Connection {
            multiplexed,
            driver: Some(Driver { work: Box::pin(work), read_notifier }),
            pushes: unbounded_channel().1,
            properties,
            _listener: None,
            _push_sender: None,
        };
        let (queue, early) = (SendQueue::default(), Arc::<Mutex<Vec<_>>>::default());
        let woken = Arc::clone(&early);
        queue.open(&mut connection, move |session| woken.lock().unwrap().push(session));
        Self { queue, socket, early, _connection: connection }
    }

    fn push(&self, sequences: impl IntoIterator<Item = u64>) {
        sequences.into_iter().for_each(|sequence| self.queue.push(commit(1, sequence)));
    }

    /// One poll on the I/O thread.
    async fn poll(&self) -> Poll<PipelineEvent> {
        // A fresh budget: see `Pipeline::start`.
        tokio::task::yield_now().await;
        poll_fn(|context| Poll::Ready(self.queue.poll_event(context))).await
    }

    /// Poll when there must not be an event.
    async fn poll_pending(&self) {
        assert!(self.poll().await.is_pending());
    }

    /// Poll when the replies to the oldest pipeline are there, and treat them as the link's task does.
    async fn poll_answers(&self) -> Vec<(Origin, Answer)> {
        match self.poll().await {
            Poll::Ready(PipelineEvent::Completed(pipeline, Ok(replies))) => {
                let CompletedPipeline { answers, resends, .. } = pipeline.complete(replies);
                self.queue.resend(resends);
                answers
            }
            Poll::Ready(PipelineEvent::Completed(_, Err(error))) => panic!("{error}"),
            Poll::Ready(PipelineEvent::Closed) => panic!("the connection is closed"),
            Poll::Pending => panic!("no replies"),
        }
    }

    /// Everything that has arrived at the server since the last call.
    async fn receive(&mut self) -> Vec<Received> {
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = Vec::new();
        while let Some(count) = now_or_never(self.socket.read(&mut buffer)).await {
            bytes.extend_from_slice(&buffer[..count.unwrap()]);
        }
        let mut rest = bytes.as_slice();
        let mut received = Vec::new();
        while !rest.is_empty() {
            let command: Vec<_> = (0..take_number(&mut rest, "*")).map(|_| take_argument(&mut rest)).collect();
            received.push(Received::decode(&command));
        }
        received
    }

    async fn reply(&mut self, replies: &[&str]) {
        self.socket.write_all(replies.concat().as_bytes()).await.unwrap();
    }
}

impl Received {
    fn decode(command: &[&str]) -> Self {
        let numbers = command.iter().filter_map(|argument| argument.parse::<u64>().ok());
        let sequence = numbers.max().and_then(|largest| largest.checked_sub(SEQUENCES_FROM));
        match (command[0], sequence) {
            ("EVALSHA", Some(sequence)) => EvalSha(sequence),
            ("EVAL", Some(sequence)) => Eval(sequence),
            ("ASKING", None) => Asking,
            _ => panic!("{command:?}"),
        }
    }
}

fn take_number(rest: &mut &[u8], prefix: &str) -> usize {
    let end = rest.iter().position(|byte| *byte == b'\r').unwrap();
    let line = std::str::from_utf8(&rest[..end]).unwrap();
    *rest = &rest[end + 2..];
    line.strip_prefix(prefix).unwrap().parse().unwrap()
}

fn take_argument<'a>(rest: &mut &'a [u8]) -> &'a str {
    let len = take_number(rest, "$");
    let argument = std::str::from_utf8(&rest[..len]).unwrap();
    *rest = &rest[len + 2..];
    argument
}

async fn now_or_never<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn commands_go_out_in_the_order_in_which_they_were_queued() {
    let mut fixture = Fixture::new().await;
    fixture.push(1..=300);
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, evalsha(1..=300));
    // They fill three pipelines, of which each is complete with the last of its replies.
    fixture.reply(&[APPLIED; 127]).await;
    fixture.poll_pending().await;
    fixture.reply(&[APPLIED; 173]).await;
    assert_eq!(fixture.poll_answers().await, applied(1..=128));
    assert_eq!(fixture.poll_answers().await, applied(129..=256));
    assert_eq!(fixture.poll_answers().await, applied(257..=300));
}

#[tokio::test]
async fn commands_beyond_the_limit_of_pipelines_wait_in_order() {
    let mut fixture = Fixture::new().await;
    let limit = MAX_PIPELINES_IN_FLIGHT as u64;
    for sequence in 1..=limit + 10 {
        fixture.push([sequence]);
        fixture.poll_pending().await;
    }
    assert_eq!(fixture.receive().await, evalsha(1..=limit));
    fixture.reply(&[APPLIED]).await;
    assert_eq!(fixture.poll_answers().await, applied([1]));
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, evalsha(limit + 1..=limit + 10), "as one pipeline");
}

#[tokio::test]
async fn a_caller_sends_behind_what_is_queued() {
    let mut fixture = Fixture::new().await;
    let runtime = Handle::current();
    fixture.push([1]);
    assert!(!fixture.queue.send_from_caller(&runtime), "the I/O thread has not polled yet");
    fixture.poll_pending().await;
    fixture.push([2]);
    assert!(fixture.queue.send_from_caller(&runtime));
    fixture.push([3]);
    {
        let _io_thread = fixture.queue.traffic.lock().unwrap();
        assert!(!fixture.queue.send_from_caller(&runtime), "the I/O thread uses the connection");
    }
    fixture.push([4]);
    assert!(fixture.queue.send_from_caller(&runtime));
    assert_eq!(fixture.receive().await, evalsha(1..=4));
}

#[tokio::test]
async fn commands_that_met_no_script_are_sent_again_first_and_in_order() {
    let mut fixture = Fixture::new().await;
    let runtime = Handle::current();
    fixture.push(1..=3);
    fixture.poll_pending().await;
    fixture.push(4..=5);
    assert!(fixture.queue.send_from_caller(&runtime));
    assert_eq!(fixture.receive().await, evalsha(1..=5));

    fixture.reply(&[NO_SCRIPT; 3]).await;
    assert_eq!(fixture.poll_answers().await, []);
    // 4 and 5 are still in flight: 1 to 3 wait for them, and the new command waits for all.
    fixture.push([6]);
    assert!(fixture.queue.send_from_caller(&runtime));
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, []);
    fixture.reply(&[NO_SCRIPT; 2]).await;
    assert_eq!(fixture.poll_answers().await, []);

    fixture.poll_pending().await;
    fixture.poll_pending().await;
    let again = [Eval(1), EvalSha(2), EvalSha(3), Eval(4), EvalSha(5), EvalSha(6)];
    assert_eq!(fixture.receive().await, again);
    fixture.reply(&[APPLIED; 6]).await;
    assert_eq!(fixture.poll_answers().await, applied(1..=5));
    assert_eq!(fixture.poll_answers().await, applied([6]));
}

#[tokio::test]
async fn only_commands_that_met_no_script_are_sent_again() {
    let mut fixture = Fixture::new().await;
    fixture.push(1..=4);
    fixture.poll_pending().await;
    fixture.receive().await;
    fixture.reply(&[APPLIED, NO_SCRIPT, NO_SCRIPT, APPLIED]).await;
    assert_eq!(fixture.poll_answers().await, applied([1, 4]));
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, [Eval(2), EvalSha(3)]);
}

#[tokio::test]
async fn the_owner_of_the_oldest_pipeline_is_woken_once_before_its_replies_are_parsed() {
    let mut fixture = Fixture::new().await;
    for session in [7, 8] {
        fixture.queue.push(commit(session, session));
        fixture.poll_pending().await;
    }
    fixture.reply(&["*1\r\n"]).await;
    fixture.poll_pending().await;
    assert_eq!(*fixture.early.lock().unwrap(), [SessionId(7)]);
    fixture.reply(&["$7\r\napp"]).await;
    fixture.poll_pending().await;
    assert_eq!(*fixture.early.lock().unwrap(), [SessionId(7)]);
    fixture.reply(&["lied\r\n"]).await;
    fixture.poll_answers().await;
    fixture.reply(&[APPLIED]).await;
    fixture.poll_answers().await;
    assert_eq!(*fixture.early.lock().unwrap(), [SessionId(7), SessionId(8)]);
}

#[tokio::test]
async fn without_a_connection_commands_are_dropped() {
    let mut fixture = Fixture::new().await;
    fixture.push([1]);
    fixture.queue.close();
    assert!(fixture.queue.properties().is_none());
    fixture.push([2]);
    assert!(matches!(fixture.poll().await, Poll::Ready(PipelineEvent::Closed)));
    let fresh = Fixture::new().await;
    fixture.socket = fresh.socket;
    fixture.queue = fresh.queue;
    fixture.push([3]);
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, evalsha([3]));
}

#[tokio::test]
async fn a_closed_connection_is_reported() {
    let mut fixture = Fixture::new().await;
    fixture.push([1]);
    fixture.poll_pending().await;
    fixture.socket = tokio::io::duplex(1).0;
    assert!(matches!(fixture.poll().await, Poll::Ready(PipelineEvent::Closed)));
    assert!(!fixture.queue.send_from_caller(&Handle::current()));
}

#[tokio::test]
async fn replies_to_asking_belong_to_no_command() {
    let mut fixture = Fixture::new().await;
    fixture.queue.push(QueuedCommand { asking: true, ..commit(1, 1) });
    fixture.push([2]);
    fixture.queue.push(QueuedCommand { asking: true, ..commit(1, 3) });
    fixture.poll_pending().await;
    assert_eq!(fixture.receive().await, [Asking, EvalSha(1), EvalSha(2), Asking, EvalSha(3)]);
    fixture.reply(&["+OK\r\n", APPLIED, APPLIED, "+OK\r\n", "-MOVED 7 h:1\r\n"]).await;
    let Poll::Ready(PipelineEvent::Completed(pipeline, Ok(replies))) = fixture.poll().await else { panic!() };
    let completed = pipeline.complete(replies);
    assert_eq!(completed.answers[..2], applied([1, 2]));
    let [(origin, redirect)] = &completed.redirects[..] else { panic!() };
    assert_eq!((origin.request, redirect.port), (RequestId(3), 1));
}
