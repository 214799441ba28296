//! The network: delivery of commands, replies and notices, and lost connections.

use crate::PREFIX;
use crate::client::commits;
use crate::client::{Health, Reply};
use crate::failure::Check;
use crate::server::name_of;
use crate::simulation::{Simulation, trace};
use std::sync::Arc;
use synced_memory_core::backend::Execution;
use synced_memory_core::document::Stored;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::{
    Answer, Command, Commit, CommitOutcome, DeltaDelivery, GroupOutcome, Invalidations, encode_delta_message,
};
use synced_memory_core::session::Input;

impl Simulation {
    /// Runs one delivery a random number of times.
    pub(crate) fn repeat(&mut self, i: usize, one: impl Fn(&mut Self, usize) -> Check<bool>) -> Check {
        for _ in 0..=self.random.below(3) {
            one(self, i)?;
        }
        Ok(())
    }

    pub(crate) fn connect(&mut self, i: usize) -> Check<bool> {
        if self.clients[i].connection.is_some() {
            return Ok(false);
        }
        self.clients[i].open_connection();
        self.clients[i].catch_up = self.server.revisions();
        let (deltas, invalidations) = self.clients[i].notifications();
        self.handle(i, Input::Notifications(deltas, invalidations))?;
        self.handle(i, Input::Connected)?;
        Ok(true)
    }

    /// Delivers one command to the server. Returns false if there was none.
    pub(crate) fn serve_command(&mut self, i: usize) -> Check<bool> {
        let Some(connection) = &mut self.clients[i].connection else { return Ok(false) };
        if connection.health == Health::LosesCommands {
            return Ok(false);
        }
        let Some((id, command)) = connection.commands.pop_front() else { return Ok(false) };
        let answer = self.execute(&command)?;
        trace!(self, "server executes for {i}: {} -> {}", describe_command(&command), describe_answer(&answer));
        if let Some(connection) = self.clients[i].connection.as_mut().filter(|c| c.health == Health::Good) {
            connection.replies.push_back(Reply { id, answer, command });
        }
        Ok(true)
    }

    /// Executes a command of a connection that was cut before the command arrived.
    pub(crate) fn serve_late_command(&mut self, i: usize) -> Check<bool> {
        let Some(command) = self.clients[i].next_late(&mut self.random) else { return Ok(false) };
        let answer = self.execute(&command)?;
        trace!(self, "server executes late for {i}: {} -> {}", describe_command(&command), describe_answer(&answer));
        Ok(true)
    }

    pub(crate) fn execute(&mut self, command: &Command) -> Check<Answer> {
        let Execution { answer, deltas } = self.server.execute(command, self.passed_ns / 1_000_000)?;
        if deltas.is_empty() {
            return Ok(answer);
        }
        let secret = match command {
            Command::Commit(_, secret) | Command::Group(_, secret) => secret.as_ref(),
            _ => None,
        };
        let message = encode_delta_message(&deltas, secret);
        self.publish(message.as_bytes());
        for delta in deltas.iter().filter(|delta| !delta.is_end_of_turn()) {
            self.invalidate(&delta.key);
        }
        Ok(answer)
    }

    /// Delivers a message of a writer to all clients that listen, and to the hostile publisher.
    fn publish(&mut self, message: &[u8]) {
        self.hostile_publisher.receive(message);
        self.deliver_message(message);
    }

    /// Delivers a message that the hostile publisher publishes.
    pub(crate) fn publish_forged(&mut self) {
        // A loss of data can take back the commit that an old message is about. Then the message looks like one of a commit
        // that is still to arrive.
        let may_repeat = self.guarantees.keeps_data;
        let forged = self.hostile_publisher.forge(&mut self.server, may_repeat, &mut self.random);
        let Some(message) = forged else { return };
        trace!(self, "the hostile publisher publishes {}", String::from_utf8_lossy(&message));
        self.deliver_message(&message);
    }

    fn deliver_message(&mut self, message: &[u8]) {
        let listeners = self.clients.iter_mut().filter(|client| client.notifications().0 != DeltaDelivery::None);
        for connection in listeners.filter_map(|client| client.connection.as_mut()) {
            let message: Arc<[u8]> = message.into();
            connection.notices.push_back(Input::Message { channel: format!("sm:{PREFIX}").into(), message });
        }
    }

    pub(crate) fn invalidate(&mut self, key: &str) {
        let listeners = self.clients.iter_mut().filter(|client| client.notifications().1 != Invalidations::None);
        for connection in listeners.filter_map(|client| client.connection.as_mut()) {
            connection.notices.push_back(Input::Changed(vec![key.to_owned()]));
        }
    }

    /// Delivers one answer to the client. Returns false if there was none.
    pub(crate) fn receive_reply(&mut self, i: usize) -> Check<bool> {
        let client = &mut self.clients[i];
        let Some(reply) = client.connection.as_mut().and_then(|connection| connection.replies.pop_front()) else {
            return Ok(false);
        };
        for commit in commits(&reply.command) {
            match &reply.answer {
                Answer::Committed(
                    CommitOutcome::Stale { .. } | CommitOutcome::StaleTail { .. } | CommitOutcome::Reserved(_),
                )
                | Answer::Grouped(GroupOutcome::Stale(_) | GroupOutcome::Reserved(_)) => {}
                Answer::Busy(_) | Answer::ReplyLost(_) | Answer::Refused(_) => {
                    client.resending_keys.insert(commit.key.clone());
                }
                _ => {
                    client.acknowledged.insert(commit.key.clone(), commit.sequence);
                }
            }
        }
        trace!(self, "{i} receives {}", describe_answer(&reply.answer));
        self.handle(i, Input::Answer(reply.id, reply.answer))?;
        Ok(true)
    }

    pub(crate) fn receive_notice(&mut self, i: usize) -> Check<bool> {
        let is_unordered = self.clients[i].notifications().0 == DeltaDelivery::Unordered;
        let Some(connection) = &mut self.clients[i].connection else { return Ok(false) };
        // An invalidation may overtake deltas.
        let overtakes = is_unordered && self.random.one_in(2);
        let invalidation = connection.notices.iter().position(|notice| matches!(notice, Input::Changed(_)));
        let at = invalidation.filter(|_| overtakes).unwrap_or(0);
        let Some(notice) = connection.notices.remove(at) else { return Ok(false) };
        trace!(self, "{i} receives {notice:?}");
        self.handle(i, notice)?;
        Ok(true)
    }

    pub(crate) fn cut(&mut self, i: usize) -> Check {
        if self.clients[i].connection.is_none() {
            return Ok(());
        }
        self.clients[i].drop_connection(&mut self.random);
        self.clients[i].made_before_loss = self.history.sessions[self.clients[i].session_index].made;
        trace!(self, "{i} has lost its connection, {} arrive late", self.clients[i].late.iter().flatten().count());
        self.handle(i, Input::Disconnected(SyncError::new(ErrorCode::Unreachable, "the connection is lost")))
    }

    /// Ends all connections and drops late commands, as a restart of the server does.
    pub(crate) fn cut_all(&mut self) -> Check {
        for i in 0..self.clients.len() {
            self.cut(i)?;
            self.clients[i].late.clear();
        }
        Ok(())
    }

    pub(crate) fn crash(&mut self, i: usize) -> Check {
        self.clients[i].drop_connection(&mut self.random);
        self.history.sessions[self.clients[i].session_index].crashed = true;
        let session_index = self.history.begin_session();
        trace!(self, "{i} restarts as w{session_index}");
        self.clients[i].restart(session_index, &mut self.random, self.passed_ns);
        // Some hosts report at once that there is no connection yet.
        if self.random.one_in(2) {
            return self.handle(i, Input::Disconnected(SyncError::new(ErrorCode::Unreachable, "not yet connected")));
        }
        Ok(())
    }

    pub(crate) fn handle(&mut self, i: usize, input: Input) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        self.clients[i].session.handle(now, input);
        self.drain(i)
    }
}

fn describe_command(command: &Command) -> String {
    match command {
        Command::Load { key, .. } => format!("load {}", name_of(key)),
        Command::Probe { key, .. } => format!("probe {}", name_of(key)),
        Command::Tail { key, at, .. } => format!("tail {} from {}", name_of(key), at.0),
        Command::Expire { key, .. } | Command::Persist { key } | Command::Ttl { key } => {
            format!("ttl {}", name_of(key))
        }
        Command::LastSequence { key, .. } => format!("sequence {}", name_of(key)),
        Command::ExpireDedupKey { key, .. } => format!("release {}", name_of(key)),
        Command::Writers { change, .. } => format!("writers {change:?}"),
        Command::History { key, .. } => format!("history {}", name_of(key)),
        Command::RecordChange { key, .. } => format!("record {}", name_of(key)),
        Command::EvictionPolicy { .. } => "eviction policy".to_owned(),
        Command::Replicas { wanted, .. } => format!("replicas {wanted}"),
        Command::Names { cursor, .. } => format!("names {cursor}"),
        Command::Secret { .. } => "secret".to_owned(),
        Command::Commit(commit, _) => describe_commit(commit),
        Command::Compare { checks } => format!("compare {checks:?}"),
        Command::Group(group, _) => {
            let commits: Vec<String> = group.commits.iter().map(|commit| describe_commit(commit)).collect();
            format!("group of {} checking {:?}", commits.join(" and "), group.checks)
        }
    }
}

fn describe_commit(commit: &Commit) -> String {
    format!(
        "commit {} {}#{} after {:?} guard {:?} plan {:?} revision {}",
        name_of(&commit.key),
        commit.writer.0,
        commit.sequence.0,
        commit.after.map(|after| after.0),
        commit.guard,
        commit.plan,
        commit.revision
    )
}

fn describe_answer(answer: &Answer) -> String {
    match answer {
        Answer::Loaded(Stored::Text(text))
        | Answer::Committed(CommitOutcome::Stale { stored: Some(Stored::Text(text)), .. }) => {
            format!("it has {}", String::from_utf8_lossy(text))
        }
        _ => format!("{answer:?}"),
    }
}
