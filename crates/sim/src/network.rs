//! What travels between the clients and the server, and what is lost on the way.

use crate::client::commits;
use crate::client::{Health, Reply};
use crate::failure::Check;
use crate::server::name_of;
use crate::world::{World, note};
use synced_memory_core::backend::changed_keys;
use synced_memory_core::command::{Answer, Changes, Command, Commit, Commits, GroupOutcome, Input, Outcome};
use synced_memory_core::document::Stored;
use synced_memory_core::error::{ErrorCode, SyncError};

impl World {
    pub(crate) fn several(&mut self, i: usize, one: impl Fn(&mut Self, usize) -> Check<bool>) -> Check {
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
        let (commits, changes) = self.clients[i].hears();
        self.handle(i, Input::Hears(commits, changes))?;
        self.handle(i, Input::Connected)?;
        Ok(true)
    }

    /// The server takes one command.
    pub(crate) fn serve(&mut self, i: usize) -> Check<bool> {
        let Some(connection) = &mut self.clients[i].connection else { return Ok(false) };
        if connection.health == Health::LosesCommands {
            return Ok(false);
        }
        let Some((id, command)) = connection.commands.pop_front() else { return Ok(false) };
        let answer = self.execute(&command)?;
        note!(self, "server, of {i}: {} -> {}", told_command(&command), told_answer(&answer));
        if let Some(connection) = self.clients[i].connection.as_mut().filter(|c| c.health == Health::Good) {
            connection.replies.push_back(Reply { id, answer, command });
        }
        Ok(true)
    }

    pub(crate) fn serve_late(&mut self, i: usize) -> Check<bool> {
        let Some(command) = self.clients[i].next_late(&mut self.random) else { return Ok(false) };
        let answer = self.execute(&command)?;
        note!(self, "server, late, of {i}: {} -> {}", told_command(&command), told_answer(&answer));
        Ok(true)
    }

    pub(crate) fn execute(&mut self, command: &Command) -> Check<Answer> {
        let (answer, announcement) = self.server.execute(command)?;
        let listeners = self.clients.iter_mut().filter(|client| client.hears().0 != Commits::Unheard);
        for connection in listeners.filter_map(|client| client.connection.as_mut()) {
            connection.notices.extend(announcement.clone().map(Input::Announced));
        }
        for key in changed_keys(command, &answer) {
            self.announce(&key);
        }
        Ok(answer)
    }

    pub(crate) fn announce(&mut self, key: &str) {
        let listeners = self.clients.iter_mut().filter(|client| client.hears().1 != Changes::Unheard);
        for connection in listeners.filter_map(|client| client.connection.as_mut()) {
            connection.notices.push_back(Input::Changed(vec![key.to_owned()]));
        }
    }

    /// The client takes one answer.
    pub(crate) fn take_reply(&mut self, i: usize) -> Check<bool> {
        let client = &mut self.clients[i];
        let Some(reply) = client.connection.as_mut().and_then(|connection| connection.replies.pop_front()) else {
            return Ok(false);
        };
        for commit in commits(&reply.command) {
            match &reply.answer {
                Answer::Committed(Outcome::Stale { .. }) | Answer::Grouped(GroupOutcome::Stale(_)) => {}
                Answer::Busy(_) | Answer::Refused(_) => {
                    client.sends_again.insert(commit.key.clone());
                }
                _ => {
                    client.acknowledged.insert(commit.key.clone(), commit.sequence);
                }
            }
        }
        note!(self, "{i} takes {}", told_answer(&reply.answer));
        self.handle(i, Input::Answer(reply.id, reply.answer))?;
        Ok(true)
    }

    pub(crate) fn notify(&mut self, i: usize) -> Check<bool> {
        let Some(connection) = &mut self.clients[i].connection else { return Ok(false) };
        let Some(notice) = connection.notices.pop_front() else { return Ok(false) };
        note!(self, "{i} is told {notice:?}");
        self.handle(i, notice)?;
        Ok(true)
    }

    pub(crate) fn cut(&mut self, i: usize) -> Check {
        if self.clients[i].connection.is_none() {
            return Ok(());
        }
        self.clients[i].drop_connection(&mut self.random);
        note!(self, "{i} has lost its connection, {} arrive late", self.clients[i].late.iter().flatten().count());
        self.handle(i, Input::Disconnected(SyncError::new(ErrorCode::Unavailable, "the connection is lost")))
    }

    /// The server process is another: what was on its way to the old one is gone.
    pub(crate) fn cut_all(&mut self) -> Check {
        for i in 0..self.clients.len() {
            self.cut(i)?;
            self.clients[i].late.clear();
        }
        Ok(())
    }

    pub(crate) fn crash(&mut self, i: usize) -> Check {
        self.clients[i].drop_connection(&mut self.random);
        self.ledger.lives[self.clients[i].life].crashed = true;
        let life = self.ledger.begin_life();
        note!(self, "{i} is w{life} now");
        self.clients[i].be_reborn(life, &mut self.random);
        // Some hosts say at once that there is no connection yet.
        if self.random.one_in(2) {
            return self.handle(i, Input::Disconnected(SyncError::new(ErrorCode::Unavailable, "not yet connected")));
        }
        Ok(())
    }

    pub(crate) fn handle(&mut self, i: usize, input: Input) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        self.clients[i].session.handle(now, input);
        self.drain(i)
    }
}

fn told_command(command: &Command) -> String {
    match command {
        Command::Load { key } => format!("load {}", name_of(key)),
        Command::Probe { key, .. } => format!("probe {}", name_of(key)),
        Command::Tail { key, at } => format!("tail {} from {at}", name_of(key)),
        Command::Expire { key, .. } | Command::Persist { key } | Command::Ttl { key } => {
            format!("ttl {}", name_of(key))
        }
        Command::Replicas { wanted, .. } => format!("replicas {wanted}"),
        Command::Names { cursor, .. } => format!("names {cursor}"),
        Command::Commit(commit) => told_commit(commit),
        Command::Group(group) => {
            let commits: Vec<String> = group.commits.iter().map(|commit| told_commit(commit)).collect();
            format!("group of {} checking {:?}", commits.join(" and "), group.checks)
        }
    }
}

fn told_commit(commit: &Commit) -> String {
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

fn told_answer(answer: &Answer) -> String {
    match answer {
        Answer::Loaded(Stored::Text(text))
        | Answer::Committed(Outcome::Stale { stored: Some(Stored::Text(text)), .. }) => {
            format!("it has {}", String::from_utf8_lossy(text))
        }
        _ => format!("{answer:?}"),
    }
}
