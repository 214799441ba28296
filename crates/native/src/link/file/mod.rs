//! The embedded file: documents in an `SQLite` database that several processes of one machine may share.

mod documents;
mod open;
mod place;

use super::switchboard::Switchboard;
use super::{Capabilities, Delivery, Link, Origin};
use crate::clock;
use documents::Documents;
use place::{Found, Place};
use rusqlite::{Connection, ErrorCode as Sqlite, TransactionBehavior};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use synced_memory_core::backend::{Store, announcements, execute};
use synced_memory_core::command::{Answer, Changes, Command, Commits, Input};
use synced_memory_core::error::{ErrorCode, SyncError};

/// How often the file is asked whether another process has changed it.
const WATCH_EVERY: Duration = Duration::from_millis(20);
/// The most commands that one transaction carries out.
const MAX_BATCH: usize = 1024;
/// Sequences are remembered as long as on a server, and looked through for old ones this often.
const PURGE_EVERY_MS: u64 = 60 * 60 * 1000;

/// A handle to the thread that has the file open.
#[derive(Debug)]
pub(crate) struct FileLink {
    /// None only while being dropped.
    outbox: Option<Sender<(Origin, Command)>>,
    thread: Option<JoinHandle<()>>,
}

impl FileLink {
    /// Open the file, creating it and its folder where they are absent.
    pub(crate) fn open(path: &Path, board: Arc<Switchboard>) -> Result<Self, SyncError> {
        let file = File::open(path)?;
        let hears = Input::Hears(Commits::WithAnswers, Changes::OfAll);
        board.deliver([hears, Input::Connected].map(Delivery::News));
        let (outbox, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("synced-memory-file".into())
            .spawn(move || file.serve(&inbox, &board))
            .map_err(|error| SyncError::new(ErrorCode::Internal, format!("cannot start a thread: {error}")))?;
        Ok(Self { outbox: Some(outbox), thread: Some(thread) })
    }
}

impl Link for FileLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of("file")
    }

    fn send(&self, origin: Origin, command: Command) {
        // The thread ends only after this handle does; were it gone, the session would miss its reply and say so.
        let _ = self.outbox.as_ref().map(|outbox| outbox.send((origin, command)));
    }
}

impl Drop for FileLink {
    /// The file is closed when this returns.
    fn drop(&mut self) {
        self.outbox = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct File {
    connection: Connection,
    place: Place,
    name: String,
    /// The highest `documents.changed` that the sessions have been told of, or have caused.
    seen: i64,
    data_version: i64,
    purge_at_ms: u64,
    /// When the first document expires, in milliseconds since 1970.
    next_expiry: Option<u64>,
}

impl File {
    fn open(path: &Path) -> Result<Self, SyncError> {
        let connection = open::open(path)?;
        let (place, name) = (Place::of(path), path.display().to_string());
        let mut file = Self { connection, place, name, seen: 0, data_version: 0, purge_at_ms: 0, next_expiry: None };
        // Everything up to here is what the sessions will load.
        let started = file.read_data_version().and_then(|version| {
            file.data_version = version;
            let mut documents = Documents(&file.connection);
            file.seen = documents.last_change()?;
            file.next_expiry = documents.next_expiry()?;
            Ok(())
        });
        started.map_err(|error| file.describe(&error))?;
        Ok(file)
    }

    /// Until the handle is dropped: carry out what comes, look for what others did.
    fn serve(mut self, inbox: &Receiver<(Origin, Command)>, board: &Switchboard) {
        let mut connected = true;
        loop {
            let first = match inbox.recv_timeout(WATCH_EVERY) {
                Err(RecvTimeoutError::Disconnected) => return,
                first => first.ok(),
            };
            // Whatever has queued up shares one transaction, and so one wait for the disk.
            let batch: Vec<_> = first.into_iter().chain(inbox.try_iter()).take(MAX_BATCH).collect();
            let mut deliveries = if connected { self.carry_out(&batch) } else { Vec::new() };
            // Looked at after the commit, so that nothing is acknowledged that is in no file any more. The sessions send
            // again what has no answer.
            let was_connected = connected;
            match (connected, self.place.look()) {
                (true, Found::Same) | (false, Found::Remains) => {}
                (true, _) => {
                    connected = false;
                    deliveries = vec![Delivery::News(Input::Disconnected(open::moved(&self.name)))];
                }
                (false, Found::Same) => connected = true,
                (false, Found::Other) => {
                    if let Ok(anew) = Self::open(self.place.path()) {
                        self = anew;
                        connected = true;
                    }
                }
            }
            if connected && !was_connected {
                deliveries.push(Delivery::News(Input::Connected));
            }
            board.deliver(deliveries);
        }
    }

    fn carry_out(&mut self, batch: &[(Origin, Command)]) -> Vec<Delivery> {
        if batch.is_empty() && !self.changed_elsewhere() && !self.has_expired() {
            return Vec::new();
        }
        match self.transact(batch) {
            Ok(deliveries) => deliveries,
            Err(error) if batch.len() > 1 && !passes(&error) => {
                // One of them cannot be carried out; the others need not suffer for it.
                batch.iter().flat_map(|one| self.carry_out(std::slice::from_ref(one))).collect()
            }
            Err(error) => {
                let reason = self.describe(&error);
                let answer = if passes(&error) { Answer::Busy(reason) } else { Answer::Refused(reason) };
                batch.iter().map(|(origin, _)| Delivery::Answer(*origin, answer.clone())).collect()
            }
        }
    }

    /// Commands in order, all or none; what other processes did before them comes first. The answers exist only
    /// after the commit, and the commit is on disk.
    fn transact(&mut self, batch: &[(Origin, Command)]) -> rusqlite::Result<Vec<Delivery>> {
        let writes = self.has_expired() || batch.iter().any(|(_, command)| changes(command));
        // A transaction that reads first and writes later could not be waited for: it takes the lock at once.
        let behavior = if writes { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut documents = Documents(&transaction);
        let mut deliveries = Vec::with_capacity(2 * batch.len() + 1);
        let now = clock::unix_ms();
        if writes {
            // They count as changed by another process: all sessions are told.
            documents.take_expired(now)?;
        }
        match documents.news_since(self.seen)? {
            Some(news) => deliveries.extend(news.into_iter().map(|told| Delivery::News(Input::Announced(told)))),
            None => deliveries.push(Delivery::News(Input::Changed(documents.changed_since(self.seen)?))),
        }
        for (origin, command) in batch {
            let since = if changes(command) { documents.last_change()? } else { 0 };
            let answer = execute(&mut documents, command, now)?;
            let told = announcements(&mut documents, command, &answer)?;
            if !told.is_empty() {
                documents.add_news(since, &told)?;
                deliveries.push(Delivery::News(Input::Announced(told)));
            }
            deliveries.push(Delivery::Answer(*origin, answer));
        }
        let now_ms = clock::monotonic_ms();
        if writes && now_ms >= self.purge_at_ms {
            documents.purge_sequences()?;
            self.purge_at_ms = now_ms + PURGE_EVERY_MS;
        }
        let (seen, next_expiry) = (documents.last_change()?, documents.next_expiry()?);
        transaction.commit()?;
        self.seen = seen;
        self.next_expiry = next_expiry;
        Ok(deliveries)
    }

    fn has_expired(&self) -> bool {
        self.next_expiry.is_some_and(|at| at <= clock::unix_ms())
    }

    fn changed_elsewhere(&mut self) -> bool {
        let Ok(version) = self.read_data_version() else { return false };
        std::mem::replace(&mut self.data_version, version) != version
    }

    /// A number that changes when another connection commits.
    fn read_data_version(&self) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
    }

    fn describe(&self, error: &rusqlite::Error) -> SyncError {
        open::describe(&self.name, error)
    }
}

/// Does it need the lock for writing?
fn changes(command: &Command) -> bool {
    matches!(command, Command::Commit(_) | Command::Group(_) | Command::Expire { .. } | Command::Persist { .. })
}

/// Will it be better later? Locked by others, a full disk.
fn passes(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            Sqlite::DatabaseBusy
                | Sqlite::DatabaseLocked
                | Sqlite::DiskFull
                | Sqlite::SystemIoFailure
                | Sqlite::OutOfMemory
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::SessionId;
    use synced_memory_core::command::RequestId;
    use synced_memory_core::command::{Commit, Outcome};
    use synced_memory_core::document::{Guard, Stored};
    use synced_memory_core::ids::{Revision, Sequence, WriterId};
    use synced_memory_core::splice::Plan;

    fn commit(key: &str, bytes: usize) -> Command {
        let commit = Commit {
            key: key.into(),
            writer: WriterId("w".into()),
            sequence: Sequence(1),
            after: None,
            guard: Guard::Absent,
            plan: Plan::Set("x".repeat(bytes)),
            revision: Revision(1),
            delta: None,
            ttl_ms: None,
        };
        Command::Commit(commit.into())
    }

    fn origin(request: u64) -> Origin {
        Origin { session: SessionId(1), request: RequestId(request) }
    }

    /// What is said to all.
    fn told(deliveries: &[Delivery]) -> Vec<&Input> {
        deliveries
            .iter()
            .filter_map(|delivery| if let Delivery::News(news) = delivery { Some(news) } else { None })
            .collect()
    }

    fn answers(deliveries: &[Delivery]) -> Vec<(Origin, &Answer)> {
        let answer =
            |delivery| if let &Delivery::Answer(origin, ref answer) = delivery { Some((origin, answer)) } else { None };
        deliveries.iter().filter_map(answer).collect()
    }

    fn open() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("memory.db")).unwrap();
        (folder, file)
    }

    #[test]
    fn a_full_disk_refuses_nothing_for_good() {
        let (_folder, mut file) = open();
        file.connection.pragma_update(None, "max_page_count", 40).unwrap();
        let batch = [(origin(1), commit("small", 10)), (origin(2), commit("large", 1 << 20))];
        let refused = file.carry_out(&batch);
        for ((answered, answer), expected) in answers(&refused).into_iter().zip([origin(1), origin(2)]) {
            let Answer::Busy(error) = answer else { panic!("{answer:?}") };
            assert_eq!((answered, error.code), (expected, ErrorCode::File));
        }
        file.connection.pragma_update(None, "max_page_count", 1 << 20).unwrap();
        let applied = Answer::Committed(Outcome::Applied);
        let expected = [1, 2].map(|request| (origin(request), &applied));
        assert_eq!(answers(&file.carry_out(&batch)), expected, "all or none: nothing had been applied");
    }

    #[test]
    fn one_bad_command_does_not_fail_its_neighbours() {
        let (_folder, mut file) = open();
        file.connection
            .execute_batch(
                "CREATE TRIGGER bad BEFORE INSERT ON documents WHEN new.key = 'bad'
                 BEGIN SELECT raise(ABORT, 'refused'); END",
            )
            .unwrap();
        let load = |key: &str| Command::Load { key: key.into() };
        let deliveries =
            file.carry_out(&[(origin(1), commit("good", 5)), (origin(2), commit("bad", 5)), (origin(3), load("good"))]);
        let [(_, first), (_, second), (_, third)] = answers(&deliveries)[..] else { panic!("{deliveries:?}") };
        assert_eq!(*first, Answer::Committed(Outcome::Applied));
        assert!(matches!(second, Answer::Refused(error) if error.code == ErrorCode::File));
        assert_eq!(*third, Answer::Loaded(Stored::Text(b"xxxxx".to_vec())));
    }

    #[test]
    fn old_sequences_are_forgotten() {
        let (_folder, mut file) = open();
        let old = "INSERT INTO sequences (key, writer, sequence, at) VALUES ('k', 'w', 9, 1000)";
        file.connection.execute(old, []).unwrap();
        file.carry_out(&[(origin(1), commit("other", 1))]);
        let left: Vec<String> = file
            .connection
            .prepare("SELECT key FROM sequences")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(left, ["other"]);
    }

    #[test]
    fn everything_is_told_once_before_its_answer() {
        let (folder, mut file) = open();
        let mut other = File::open(&folder.path().join("memory.db")).unwrap();
        let mine = file.carry_out(&[(origin(1), commit("mine", 1))]);
        let [Delivery::News(Input::Announced(told_here)), Delivery::Answer(..)] = &mine[..] else { panic!("{mine:?}") };
        assert_eq!(told_here[0].key, "mine");
        assert_eq!(file.carry_out(&[]), []);
        other.carry_out(&[(origin(1), commit("theirs", 1))]);
        let key = |deliveries: &[Delivery]| match told(deliveries)[..] {
            [Input::Announced(told), ..] => told[0].key.clone(),
            ref other => panic!("{other:?}"),
        };
        assert_eq!(key(&file.carry_out(&[])), "theirs");
        assert_eq!(file.carry_out(&[]), []);
        // What others did just before comes along with the answers.
        other.carry_out(&[(origin(2), commit("again", 1))]);
        assert_eq!(key(&file.carry_out(&[(origin(2), commit("mine too", 1))])), "again");
        assert_eq!(file.carry_out(&[]), []);
        // Who is too far behind is told only that something changed.
        for n in 0..300 {
            other.carry_out(&[(origin(n), commit(&format!("many{n}"), 1))]);
        }
        let many = file.carry_out(&[]);
        let [Input::Changed(keys)] = told(&many)[..] else { panic!("all of it is told") };
        assert_eq!(keys.len(), 300);
    }
}
