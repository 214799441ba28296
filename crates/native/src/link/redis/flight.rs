//! Commands that go out together: one RESP pipeline.

use super::cluster::Redirect;
use crate::link::{Origin, SessionId};
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value};
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use synced_memory_core::command::{Answer, Command};
use synced_memory_core::resp::{Args, Exchange, Next, Reply};
use tokio::task::unconstrained;

/// A flight takes off once it has this many commands or bytes: the first of them should not wait long for the last.
const MAX_COMMANDS: usize = 128;
const MAX_BYTES: usize = 256 * 1024;

/// A command in line.
pub(super) struct Waiting {
    pub(super) origin: Origin,
    pub(super) command: Command,
    /// It goes to a cluster's node that is about to get the slot: after ASKING, or the node would send it back.
    pub(super) asking: bool,
}

/// One abstract command and the RESP commands that carry it out.
pub(super) struct Sortie {
    origin: Origin,
    exchange: Exchange,
    commands: Vec<Args>,
    asking: bool,
}

/// What is on its way to the server, or waits for its replies.
pub(super) struct Flight {
    /// In order.
    exchanges: Vec<Expected>,
    pub(super) replies: Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>,
}

struct Expected {
    origin: Origin,
    exchange: Exchange,
    /// How many replies it takes, not counting those to ASKING before each.
    replies: usize,
    asking: bool,
}

/// What a flight came back with.
pub(super) struct Landed {
    pub(super) answers: Vec<(Origin, Answer)>,
    /// To be sent again, with the script.
    pub(super) again: Vec<Sortie>,
    /// Of the answers, those that name another node of the cluster.
    pub(super) redirects: Vec<(Origin, Redirect)>,
    /// The server has become a replica.
    pub(super) demoted: bool,
}

impl Sortie {
    /// Commands off the front of the queue, as many as go together.
    pub(super) fn next_few(waiting: &mut VecDeque<Waiting>) -> Vec<Self> {
        let mut sorties = Vec::new();
        let mut bytes = 0;
        while sorties.len() < MAX_COMMANDS && bytes < MAX_BYTES {
            let Some(Waiting { origin, command, asking }) = waiting.pop_front() else { break };
            let (exchange, commands) = Exchange::new(command);
            bytes += commands.iter().flatten().map(Vec::len).sum::<usize>();
            sorties.push(Self { origin, exchange, commands, asking });
        }
        sorties
    }
}

impl Flight {
    /// Send these. On return they are in line for the socket, behind all flights started before.
    pub(super) fn start(sorties: Vec<Sortie>, connection: &MultiplexedConnection, context: &mut Context<'_>) -> Self {
        let mut pipeline = Pipeline::new();
        let mut exchanges = Vec::with_capacity(sorties.len());
        let mut count = 0;
        for Sortie { origin, exchange, commands, asking } in sorties {
            exchanges.push(Expected { origin, exchange, replies: commands.len(), asking });
            for args in commands {
                if asking {
                    pipeline.cmd("ASKING");
                    count += 1;
                }
                count += 1;
                let mut command = redis::Cmd::new();
                for arg in &args {
                    command.arg(arg.as_slice());
                }
                pipeline.add_command(command);
            }
        }
        let mut connection = connection.clone();
        // The first poll puts the pipeline into the connection's queue, which has room for MAX_FLIGHTS. Tokio's
        // budget for a task could make that poll do nothing, and a later flight overtake: hence `unconstrained`.
        let mut replies =
            Box::pin(unconstrained(async move { connection.send_packed_commands(&pipeline, 0, count).await }));
        match replies.as_mut().poll(context) {
            Poll::Ready(replies) => Self { exchanges, replies: Box::pin(ready(replies)) },
            Poll::Pending => Self { exchanges, replies },
        }
    }

    /// Whose the first command is.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.exchanges.first().map(|first| first.origin.session)
    }

    /// Hand the replies to the exchanges they belong to.
    pub(super) fn land(self, replies: Vec<Value>) -> Landed {
        let replies: Vec<Reply> = replies.into_iter().map(reply).collect();
        let mut landed = Landed {
            answers: Vec::with_capacity(self.exchanges.len()),
            again: Vec::new(),
            redirects: Vec::new(),
            demoted: replies.iter().any(Reply::is_read_only),
        };
        let mut is_reloaded = false;
        let mut all = replies.into_iter();
        for Expected { origin, exchange, replies, asking } in self.exchanges {
            let replies: Vec<Reply> = if asking {
                all.by_ref().take(2 * replies).skip(1).step_by(2).collect()
            } else {
                all.by_ref().take(replies).collect()
            };
            let redirect = replies.iter().find_map(|reply| match reply {
                Reply::Error(message) => Redirect::parse(message),
                _ => None,
            });
            landed.redirects.extend(redirect.map(|redirect| (origin, redirect)));
            match exchange.take(replies, &mut is_reloaded) {
                Next::Done(answer) => landed.answers.push((origin, answer)),
                Next::Again(exchange, commands) => {
                    landed.again.push(Sortie { origin, exchange, commands, asking });
                }
            }
        }
        landed
    }
}

fn reply(value: Value) -> Reply {
    match value {
        Value::Int(number) => Reply::Int(number),
        Value::Boolean(truth) => Reply::Int(truth.into()),
        Value::BulkString(bytes) => Reply::Text(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Reply::Text(text.into_bytes()),
        Value::Okay => Reply::Text(b"OK".to_vec()),
        Value::Array(items) | Value::Set(items) => Reply::List(items.into_iter().map(reply).collect()),
        Value::Attribute { data, .. } => reply(*data),
        Value::ServerError(error) => Reply::Error(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        }),
        // Nothing that we send is answered with a map, a double or a push.
        _ => Reply::Nil,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_keep_their_kind() {
        let parsed = |text: &str| reply(redis::parse_redis_value(text.as_bytes()).unwrap());
        assert_eq!(parsed("$-1\r\n"), Reply::Nil);
        assert_eq!(parsed("_\r\n"), Reply::Nil);
        assert_eq!(parsed(":7\r\n"), Reply::Int(7));
        assert_eq!(
            parsed("*2\r\n$5\r\nstale\r\n+OK\r\n"),
            Reply::List(vec![Reply::Text(b"stale".to_vec()), Reply::Text(b"OK".to_vec())])
        );
        for message in ["NOSCRIPT No matching script.", "WRONGTYPE Operation against", "NOAUTH x", "ERR y", "OOM z"] {
            assert_eq!(parsed(&format!("-{message}\r\n")), Reply::Error(message.to_owned()));
        }
    }
}
