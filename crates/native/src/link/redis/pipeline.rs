//! Pipelines: commands that are sent together.

use super::redirect::Redirect;
use crate::link::{Origin, SessionId};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, Value};
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use synced_memory_core::protocol::{Answer, Command, CommitForm, PendingCommand, ReplyOutcome, RespCommand, RespReply};
use tokio::task::unconstrained;

/// The size at which a pipeline is sent, so that its first command does not wait long for its last one.
const MAX_COMMANDS: usize = 128;
const MAX_BYTES: usize = 256 * 1024;

/// A command that waits to be sent.
pub(super) struct QueuedCommand {
    pub(super) origin: Origin,
    pub(super) command: Command,
    /// Send ASKING first: the command goes to a cluster node that is about to get its slot and would else redirect it.
    pub(super) asking: bool,
}

/// A command, encoded as the RESP commands that carry it out.
pub(super) struct EncodedCommand {
    origin: Origin,
    pending: PendingCommand,
    resp: Vec<RespCommand>,
    asking: bool,
}

impl EncodedCommand {
    /// Remove as many commands from the front of a queue as make up one pipeline, and encode them.
    pub(super) fn take_batch(queue: &mut VecDeque<QueuedCommand>, form: CommitForm) -> Vec<Self> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < MAX_COMMANDS && bytes < MAX_BYTES {
            let Some(QueuedCommand { origin, command, asking }) = queue.pop_front() else { break };
            let (pending, resp) = PendingCommand::new(command, form);
            bytes += resp.iter().flatten().map(Vec::len).sum::<usize>();
            batch.push(Self { origin, pending, resp, asking });
        }
        batch
    }
}

/// Commands on their way to the server, and their replies on the way back.
pub(super) struct Pipeline {
    /// In the order of the commands.
    expected: Vec<ExpectedReplies>,
    pub(super) replies: Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>,
}

/// The replies that belong to one command.
struct ExpectedReplies {
    origin: Origin,
    pending: PendingCommand,
    /// The number of replies, without those to ASKING.
    count: usize,
    asking: bool,
}

/// The result of a pipeline.
pub(super) struct CompletedPipeline {
    /// In the order of the commands.
    pub(super) answers: Vec<(Origin, Answer)>,
    /// The redirects among the answers.
    pub(super) redirects: Vec<(Origin, Redirect)>,
    /// Commands to send again with the text of their script, which the server did not know. In the order of the
    /// commands.
    pub(super) resends: Vec<EncodedCommand>,
    /// True if the server has become a replica.
    pub(super) is_demoted: bool,
}

impl Pipeline {
    /// Send commands. On return they are in the connection's queue, behind all pipelines that were started before.
    pub(super) fn start(
        commands: Vec<EncodedCommand>,
        connection: &MultiplexedConnection,
        context: &mut Context<'_>,
    ) -> Self {
        let mut pipeline = redis::Pipeline::new();
        let mut expected = Vec::with_capacity(commands.len());
        for EncodedCommand { origin, pending, resp, asking } in commands {
            expected.push(ExpectedReplies { origin, pending, count: resp.len(), asking });
            for args in resp {
                if asking {
                    pipeline.cmd("ASKING");
                }
                let mut command = Cmd::new();
                for arg in &args {
                    command.arg(arg.as_slice());
                }
                pipeline.add_command(command);
            }
        }
        let count = pipeline.len();
        let mut connection = connection.clone();
        // In the redis crate 1.8 the first poll puts the pipeline into the connection's queue, which has room for
        // `MAX_PIPELINES_IN_FLIGHT`. Tokio's budget for a task could make that poll do nothing, so that a later
        // pipeline would overtake this one: hence `unconstrained`.
        let mut replies =
            Box::pin(unconstrained(async move { connection.send_packed_commands(&pipeline, 0, count).await }));
        match replies.as_mut().poll(context) {
            Poll::Ready(replies) => Self { expected, replies: Box::pin(ready(replies)) },
            Poll::Pending => Self { expected, replies },
        }
    }

    /// The session that sent the first command.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.expected.first().map(|first| first.origin.session)
    }

    /// Decode the replies of all commands.
    pub(super) fn complete(self, replies: Vec<Value>) -> CompletedPipeline {
        let mut completed = CompletedPipeline {
            answers: Vec::with_capacity(self.expected.len()),
            redirects: Vec::new(),
            resends: Vec::new(),
            is_demoted: false,
        };
        let mut is_script_resent = false;
        let mut values = replies.into_iter();
        for ExpectedReplies { origin, pending, count, asking } in self.expected {
            // With ASKING, every second value is the reply to a command.
            let (skipped, step) = if asking { (1, 2) } else { (0, 1) };
            let mut redirect = None;
            let decode = |value| {
                redirect = redirect.take().or_else(|| Redirect::from_reply(&value));
                to_reply(value)
            };
            let replies: Vec<RespReply> =
                values.by_ref().take(step * count).skip(skipped).step_by(step).map(decode).collect();
            completed.redirects.extend(redirect.map(|redirect| (origin, redirect)));
            completed.is_demoted |= replies.iter().any(RespReply::is_read_only);
            match pending.take_replies(replies, &mut is_script_resent) {
                ReplyOutcome::Answered(answer) => completed.answers.push((origin, answer)),
                ReplyOutcome::Resend(pending, resp) => {
                    completed.resends.push(EncodedCommand { origin, pending, resp, asking });
                }
            }
        }
        completed
    }
}

/// A reply without the distinctions of RESP3 that the protocol does not make.
fn to_reply(value: Value) -> RespReply {
    match value {
        Value::Int(number) => RespReply::Int(number),
        Value::Boolean(truth) => RespReply::Int(truth.into()),
        Value::BulkString(bytes) => RespReply::Text(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => RespReply::Text(text.into_bytes()),
        Value::Okay => RespReply::Text(b"OK".to_vec()),
        Value::Array(items) | Value::Set(items) => RespReply::List(items.into_iter().map(to_reply).collect()),
        Value::Attribute { data, .. } => to_reply(*data),
        Value::ServerError(error) => RespReply::Error(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        }),
        // The reply to none of the protocol's commands is a map, a double or a push.
        _ => RespReply::Nil,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_keep_their_kind() {
        let parsed = |text: &str| to_reply(redis::parse_redis_value(text.as_bytes()).unwrap());
        assert_eq!(parsed("$-1\r\n"), RespReply::Nil);
        assert_eq!(parsed("_\r\n"), RespReply::Nil);
        assert_eq!(parsed(":7\r\n"), RespReply::Int(7));
        assert_eq!(
            parsed("*2\r\n$5\r\nstale\r\n+OK\r\n"),
            RespReply::List(vec![RespReply::Text(b"stale".to_vec()), RespReply::Text(b"OK".to_vec())])
        );
        for message in ["NOSCRIPT No matching script.", "WRONGTYPE Operation against", "NOAUTH x", "ERR y", "OOM z"] {
            assert_eq!(parsed(&format!("-{message}\r\n")), RespReply::Error(message.to_owned()));
        }
    }
}
