//! A server in the process: as much of a Redis-compatible one as a memory, and a test of one, needs.

use super::execute::{Execution, execute};
use super::keyspace::{Keyspace, is_side_key};
use super::store::Store;
use crate::protocol::{
    Answer, Command, Delta, EvictionPolicy, Lifetime, RespReply, ScriptName, Secret, ServerCommand, SetExpiry, channel,
    decode_command, encode_commit_outcome, encode_compared, encode_delta_message, encode_group_outcome, encode_history,
    encode_recorded,
};
use std::collections::{HashSet, VecDeque};
use std::ops::Range;

/// Executes RESP commands on strings in this process.
///
/// It runs the two scripts by the commit rules of this module, and gives the replies that a server gives: they pass
/// through the same code as those. Time is an argument, in milliseconds since 1970.
#[derive(Debug, Default)]
pub struct InProcessServer {
    keyspace: Keyspace,
    /// The scripts that a client has sent in full; the others answer `NOSCRIPT` to their SHA-1.
    cached_scripts: HashSet<ScriptName>,
    notifications: VecDeque<Notification>,
}

/// An event for the clients that listen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notification {
    /// A message was published on a channel.
    Message {
        /// The name of the channel.
        channel: String,
        /// The message.
        message: Vec<u8>,
    },
    /// Documents were changed, deleted or expired without a message.
    Changed {
        /// Their full keys.
        keys: Vec<String>,
    },
}

impl InProcessServer {
    /// A server without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Executes a command, given as its name and arguments, and returns the reply.
    pub fn execute(&mut self, command: &[Vec<u8>], now: u64) -> RespReply {
        self.expire(now);
        decode_command(command).and_then(|command| self.run(command, now)).unwrap_or_else(RespReply::Error)
    }

    /// Deletes the documents that have expired.
    pub fn expire(&mut self, now: u64) {
        let keys = self.keyspace.advance(now);
        self.notify_changed(keys);
    }

    /// The time at which the next document expires, and [`expire`](Self::expire) has to be called.
    pub fn next_expiry(&mut self) -> Option<u64> {
        let Ok(next) = self.keyspace.next_expiry();
        next
    }

    /// The next event for the clients that listen, in the order in which the events happened.
    pub fn poll_notification(&mut self) -> Option<Notification> {
        self.notifications.pop_front()
    }

    fn run(&mut self, command: ServerCommand, now: u64) -> Result<RespReply, String> {
        Ok(match command {
            ServerCommand::Get { key } => {
                self.keyspace.get(&key).map_or(RespReply::Nil, |text| RespReply::Text(text.to_vec()))
            }
            ServerCommand::StringLength { key } => integer(self.len(&key)),
            ServerCommand::GetRange { key, first, last } => {
                let range = byte_range(self.len(&key), first, last);
                let Ok(bytes) = self.keyspace.read(&key, range);
                RespReply::Text(bytes)
            }
            ServerCommand::Exists { keys } => {
                integer(keys.iter().filter(|key| self.keyspace.get(key).is_some()).count())
            }
            ServerCommand::Set { key, only_if_absent: true, .. } if self.keyspace.get(&key).is_some() => RespReply::Nil,
            ServerCommand::Set { key, value, expiry, .. } => self.set(key, &value, expiry, now),
            ServerCommand::Delete { mut keys } => {
                keys.retain(|key| self.keyspace.delete(key));
                let reply = integer(keys.len());
                self.notify_changed(keys);
                reply
            }
            ServerCommand::Expire { key, ms } => match self.answer(&Command::Expire { key, ms }, now) {
                Answer::Lifetime(Lifetime::Absent) => RespReply::Int(0),
                _ => RespReply::Int(1),
            },
            ServerCommand::Persist { key } => {
                let Ok(expires_at) = self.keyspace.expires_at(&key);
                let Ok(()) = self.keyspace.set_expires_at(&key, None);
                RespReply::Int(expires_at.is_some().into())
            }
            ServerCommand::TimeToLive { key } => RespReply::Int(match self.answer(&Command::Ttl { key }, now) {
                Answer::Lifetime(Lifetime::Remaining(ms)) => i64::try_from(ms).unwrap_or(i64::MAX),
                Answer::Lifetime(Lifetime::Endless) => -1,
                _ => -2,
            }),
            ServerCommand::Scan { cursor, prefix } => match self.answer(&Command::Names { prefix, cursor }, now) {
                Answer::Names { cursor, keys } => {
                    let keys = keys.into_iter().map(|key| RespReply::Text(key.into_bytes()));
                    RespReply::List(vec![RespReply::Text(cursor.into_bytes()), RespReply::List(keys.collect())])
                }
                _ => RespReply::Nil,
            },
            // The number of subscribers is not known here.
            ServerCommand::Publish { channel, message } => {
                self.notifications.push_back(Notification::Message { channel, message });
                RespReply::Int(0)
            }
            // It has no replicas.
            ServerCommand::Wait => RespReply::Int(0),
            // It evicts nothing.
            ServerCommand::Info => RespReply::Text(EvictionPolicy::NoEviction.to_info().as_bytes().to_vec()),
            ServerCommand::RunScript { script, is_named_by_sha, command } => {
                self.run_script(script, is_named_by_sha, &command, now)?
            }
        })
    }

    fn set(&mut self, key: String, value: &[u8], expiry: SetExpiry, now: u64) -> RespReply {
        let Ok(()) = self.keyspace.replace(&key, value);
        let at = match expiry {
            SetExpiry::Keep => None,
            SetExpiry::Never => Some(None),
            SetExpiry::After(ms) => Some(Some(now.saturating_add(ms))),
        };
        if let Some(at) = at {
            let Ok(()) = self.keyspace.set_expires_at(&key, at);
        }
        self.notify_changed(vec![key]);
        RespReply::Text(b"OK".to_vec())
    }

    fn run_script(
        &mut self,
        script: ScriptName,
        is_named_by_sha: bool,
        command: &Command,
        now: u64,
    ) -> Result<RespReply, String> {
        if is_named_by_sha && !self.cached_scripts.contains(&script) {
            return Err("NOSCRIPT No matching script.".into());
        }
        self.cached_scripts.insert(script);
        let Ok(Execution { answer, deltas }) = execute(&mut self.keyspace, command, now);
        if is_announced(command) {
            self.publish(&deltas, secret_of(command));
        }
        Ok(match answer {
            Answer::Committed(outcome) => encode_commit_outcome(&outcome),
            Answer::Grouped(outcome) => encode_group_outcome(&outcome),
            Answer::Compared(results) => encode_compared(&results),
            Answer::Writers(list) => RespReply::Text(list.encode().into_bytes()),
            Answer::History(page) => encode_history(&page),
            Answer::Recorded(is_added) => encode_recorded(is_added),
            _ => RespReply::Nil,
        })
    }

    /// Publishes the changes of one commit or group.
    fn publish(&mut self, deltas: &[Delta], secret: Option<&Secret>) {
        let Some(first) = deltas.first() else { return };
        let message = encode_delta_message(deltas, secret).into_bytes();
        self.notifications.push_back(Notification::Message { channel: channel(&first.key), message });
    }

    fn notify_changed(&mut self, mut keys: Vec<String>) {
        keys.retain(|key| !is_side_key(key));
        if !keys.is_empty() {
            self.notifications.push_back(Notification::Changed { keys });
        }
    }

    fn answer(&mut self, command: &Command, now: u64) -> Answer {
        let Ok(execution) = execute(&mut self.keyspace, command, now);
        execution.answer
    }

    fn len(&self, key: &str) -> usize {
        self.keyspace.get(key).map_or(0, <[u8]>::len)
    }
}

fn is_announced(command: &Command) -> bool {
    match command {
        Command::Commit(commit, _) => commit.announcement.is_some(),
        Command::Group(group, _) => group.is_announced,
        _ => false,
    }
}

fn secret_of(command: &Command) -> Option<&Secret> {
    match command {
        Command::Commit(_, secret) | Command::Group(_, secret) => secret.as_ref(),
        _ => None,
    }
}

fn integer(count: usize) -> RespReply {
    RespReply::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The range that GETRANGE means: both ends are included, and negative offsets count from the end.
fn byte_range(len: usize, first: i64, last: i64) -> Range<usize> {
    let at = |offset: i64| match usize::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => len.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let start = at(first);
    start..at(last).saturating_add(1).max(start)
}
