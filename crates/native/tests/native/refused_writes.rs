//! The scripts are all or nothing, whichever of their commands the server refuses.

use crate::script::{commit, execute_by, guard_of, send};
use crate::server::RedisServer;
use redis::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use synced_memory_core::byte_len::{ByteLen, ByteOffset};
use synced_memory_core::document::Guard;
use synced_memory_core::protocol::{
    Answer, Command, Commit, CommitForm, CommitOutcome, Group, GroupOutcome, ReservationRequest, RespReply,
};
use synced_memory_core::splice::{Piece, Plan, Write};

const LIST: &str = r#"{"value":[1],"last_modified":1763000000000000001}"#;
const NAMES_KEY: &str = "sm:{memory:}:names";
/// The ends of keys whose content may differ after a refusal.
const FREE_SIDE_KEYS: [&str; 4] = [":appends", ":reservations", ":names", ":group"];
const MARK_KEY: &str = "sm:memory:{t}:group";
/// No case has as many commands that may need memory, names of commands, or keys.
const MOST_COMMANDS: u32 = 20;

/// The commands of a script that a server refuses.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// The n-th that may need memory.
    Memory(u32),
    /// All that have the name of the n-th name: a user without the permission to run it.
    Name(u32),
    /// All that have the n-th key: a user without the permission to use it.
    Key(u32),
}

impl Refusal {
    /// Lua text before a script: it puts a table with the same functions in the place of `redis`.
    fn prelude(self) -> String {
        let (subject, refused) = match self {
            Self::Memory(n) => ("needs_memory(name, key) and #known + 1", n),
            Self::Name(n) => ("name", n),
            Self::Key(n) => ("key", n),
        };
        format!(
            "local server, known = redis, {{}}
            local function needs_memory(name, key)
              return name == 'SET' or name == 'SETRANGE' or name == 'MSET'
                or name == 'INCRBY' and server.call('EXISTS', key) == 0
            end
            local function is_refused(name, key)
              local subject = {subject}
              if not subject then return false end
              for n = 1, #known do
                if known[n] == subject then return n == {refused} end
              end
              known[#known + 1] = subject
              return #known == {refused}
            end
            local redis = {{ sha1hex = server.sha1hex }}
            redis.call = function(name, key, ...)
              if is_refused(name, key) then error('refused by the test') end
              return server.call(name, key, ...)
            end
            redis.pcall = function(name, key, ...)
              if is_refused(name, key) then return {{ err = 'ERR refused by the test' }} end
              return server.pcall(name, key, ...)
            end
            "
        )
    }
}

#[test]
fn a_refused_command_leaves_a_commit_undone_or_done() {
    let server = RedisServer::start();
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    for form in CommitForm::ALL {
        for (name, before, command) in cases() {
            let prepare = |connection: &mut Connection| {
                redis::cmd("FLUSHALL").exec(connection).unwrap();
                for command in &before {
                    execute(connection, command, form, None);
                }
            };
            prepare(&mut connection);
            let old = state(&mut connection);
            assert!(is_done(&execute(&mut connection, &command, form, None)), "{name}, {form:?}");
            let new = state(&mut connection);
            // Redis and Valkey refuse for want of memory only the first write of a script.
            let memory = 1..=if form == CommitForm::Standard { 1 } else { MOST_COMMANDS };
            let permissions = (1..=MOST_COMMANDS).flat_map(|n| [Refusal::Name(n), Refusal::Key(n)]);
            for refusal in memory.map(Refusal::Memory).chain(permissions) {
                prepare(&mut connection);
                let answer = execute(&mut connection, &command, form, Some(refusal));
                let expected = if is_done(&answer) { &new } else { &old };
                assert_eq!(&state(&mut connection), expected, "{name}, {form:?}, {refusal:?}: {answer:?}");
                execute(&mut connection, &command, form, None);
                assert_eq!(state(&mut connection), new, "{name}, {form:?}, {refusal:?}: sent again");
            }
        }
    }
}

/// Documents and sequences with their values, and whether they expire. Append runs may be missing, a `0` is no sequence, and
/// a name may be noted though its document was not created.
fn state(connection: &mut Connection) -> BTreeMap<String, (String, bool)> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    let mut state = BTreeMap::new();
    for key in keys.into_iter().filter(|key| !FREE_SIDE_KEYS.iter().any(|end| key.ends_with(end))) {
        let value: String = redis::cmd("GET").arg(&key).query(connection).unwrap();
        let ttl: i64 = redis::cmd("PTTL").arg(&key).query(connection).unwrap();
        if value != "0" {
            state.insert(key, (value, ttl >= 0));
        }
    }
    state
}

fn execute(connection: &mut Connection, command: &Command, form: CommitForm, refusal: Option<Refusal>) -> Answer {
    execute_by(command, form, |args| {
        let Some(refusal) = refusal else { return send(connection, args) };
        if args[0] == b"EVALSHA" {
            return RespReply::Error("NOSCRIPT".into());
        }
        let mut args = args.clone();
        args[1] = [refusal.prelude().as_bytes(), &args[1]].concat();
        send(connection, &args)
    })
}

fn is_done(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Committed(CommitOutcome::Applied | CommitOutcome::Appended { .. })
            | Answer::Grouped(GroupOutcome::Applied)
    )
}

/// Of each case: its name, the commands before it, and the command under test.
fn cases() -> Vec<(&'static str, Vec<Command>, Command)> {
    let single = |commit: Commit| Command::Commit(Arc::new(commit), None);
    let with_ttl = |commit: Commit| Commit { ttl_ms: Some(90_000), ..commit };
    let create = |key: &str| commit(key, 1, Guard::Absent, Plan::Set(LIST.into()));
    let text = |at, text: &str| Write { at: ByteOffset(at), pieces: vec![Piece::Text(text.into())] };
    let grown = Write {
        at: ByteOffset(12),
        pieces: vec![Piece::Range { start: ByteOffset(11), len: ByteLen(LIST.len() - 11) }, Piece::Spaces(ByteLen(3))],
    };
    let edits = || Plan::Edit(vec![text(10, "7"), grown.clone()]);
    let overwrite = |key: &str, sequence| commit(key, sequence, guard_of(LIST), Plan::Set(LIST.replace("[1]", "[]")));
    let one = || vec![single(create("memory:a"))];
    let foreign = |key: &str| Commit { writer: synced_memory_core::ids::WriterId("other".into()), ..create(key) };
    let appended = LIST.replace("[1]", "[1,2]");
    let reserving_group = |commits: Vec<Commit>, reservation| {
        let group = Group {
            writer: commits[0].writer.clone(),
            commits: commits.into_iter().map(Arc::new).collect(),
            checks: vec![("memory:{t}c".into(), Guard::Absent)],
            names: None,
            is_announced: false,
            reservation,
            mark_key: Some(MARK_KEY.into()),
        };
        Command::Group(Arc::new(group), None)
    };
    let group = |commits| reserving_group(commits, ReservationRequest::None);
    let three = || vec![single(create("memory:{t}a")), single(with_ttl(foreign("memory:{t}b")))];
    vec![
        ("create", Vec::new(), single(create("memory:a"))),
        ("create with a lifetime", Vec::new(), single(with_ttl(create("memory:a")))),
        (
            "create and note the name",
            Vec::new(),
            single(Commit { names_key: Some(NAMES_KEY.into()), ..create("memory:a") }),
        ),
        ("overwrite", one(), single(overwrite("memory:a", 2))),
        ("edit in one place", one(), single(commit("memory:a", 2, guard_of(LIST), Plan::Edit(vec![text(10, "7")])))),
        ("edit in two places", one(), single(with_ttl(commit("memory:a", 2, guard_of(LIST), edits())))),
        (
            "edit by another writer",
            vec![single(foreign("memory:a"))],
            single(commit("memory:a", 2, guard_of(LIST), edits())),
        ),
        ("delete", one(), single(commit("memory:a", 2, guard_of(LIST), Plan::Delete))),
        ("append", one(), single(with_ttl(commit("memory:a", 2, guard_of(LIST), Plan::Append("2".into()))))),
        (
            "append behind another",
            vec![single(create("memory:a")), single(commit("memory:a", 2, guard_of(LIST), Plan::Append("2".into())))],
            single(commit("memory:a", 3, guard_of(&appended.replace('2', "3")), Plan::Append("3".into()))),
        ),
        (
            "group",
            three(),
            group(vec![
                commit("memory:{t}a", 2, guard_of(LIST), edits()),
                commit("memory:{t}b", 2, guard_of(LIST), edits()),
                with_ttl(commit("memory:{t}d", 2, Guard::Absent, Plan::Set(LIST.into()))),
            ]),
        ),
        (
            "group that has reserved its commits",
            three()
                .into_iter()
                .chain([reserving_group(
                    vec![commit("memory:{t}a", 2, Guard::Absent, edits())],
                    ReservationRequest::IfStale(60_000),
                )])
                .collect(),
            group(vec![commit("memory:{t}a", 2, guard_of(LIST), edits())]),
        ),
        (
            "group that deletes",
            three(),
            group(vec![
                commit("memory:{t}a", 2, guard_of(LIST), Plan::Delete),
                overwrite("memory:{t}b", 2),
                commit("memory:{t}d", 2, Guard::Absent, Plan::Set(LIST.into())),
            ]),
        ),
    ]
}
