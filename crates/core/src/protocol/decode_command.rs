//! Decodes the RESP commands that `encode_command` makes, one by one, as what the server in the process is to do.

use super::argument_reader::ArgumentReader;
use super::decode_commit::{decode_commit, decode_compare, decode_group, decode_history};
use super::scripts::{CommitForm, Script, history_script, writers_script};
use super::writers_list::{ListedWriter, WritersChange};
use crate::ids::WriterId;
use crate::protocol::Command;

/// One command that a client of the in-process server sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ServerCommand {
    /// `GET key`
    Get { key: String },
    /// `STRLEN key`
    StringLength { key: String },
    /// `GETRANGE key first last`: both ends are included, and negative offsets count from the end.
    GetRange { key: String, first: i64, last: i64 },
    /// `EXISTS key …`
    Exists { keys: Vec<String> },
    /// `SET key value [EX seconds | PX milliseconds | KEEPTTL | NX]`
    Set { key: String, value: Vec<u8>, expiry: SetExpiry, only_if_absent: bool },
    /// `DEL key …`
    Delete { keys: Vec<String> },
    /// `PEXPIRE key milliseconds`
    Expire { key: String, ms: u64 },
    /// `PERSIST key`
    Persist { key: String },
    /// `PTTL key`
    TimeToLive { key: String },
    /// `SCAN cursor [MATCH prefix*] [COUNT count]`
    Scan { cursor: String, prefix: String },
    /// `PUBLISH channel message`
    Publish { channel: String, message: Vec<u8> },
    /// `WAIT replicas milliseconds`
    Wait,
    /// `INFO memory`
    Info,
    /// `EVALSHA` or `EVAL` of one of the scripts: a [`Command::Commit`], a [`Command::Group`], a [`Command::Compare`], a
    /// [`Command::Writers`], a [`Command::History`] or a [`Command::RecordChange`].
    RunScript { script: ScriptName, is_named_by_sha: bool, command: Command },
}

/// The expiry of a key after `SET`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SetExpiry {
    /// The key never expires.
    Never,
    /// The key expires as before.
    Keep,
    /// The key expires after this many milliseconds.
    After(u64),
}

/// The scripts that the in-process server can run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ScriptName {
    /// `commit.lua`
    Commit,
    /// `group.lua`
    Group,
    /// `compare.lua`
    Compare,
    /// `writers.lua`
    Writers,
    /// `history.lua`
    History,
}

/// Decodes a command from its name and arguments.
///
/// The error is the message of the error reply that a server gives.
pub(crate) fn decode_command(command: &[Vec<u8>]) -> Result<ServerCommand, String> {
    let name = command.first().map(|name| String::from_utf8_lossy(name).to_ascii_uppercase()).unwrap_or_default();
    let arguments = &mut ArgumentReader(command.get(1..).unwrap_or_default());
    let decoded = match name.as_str() {
        "GET" => arguments.text().map(|key| ServerCommand::Get { key }),
        "STRLEN" => arguments.text().map(|key| ServerCommand::StringLength { key }),
        "GETRANGE" => decode_range(arguments),
        "EXISTS" => arguments.texts().map(|keys| ServerCommand::Exists { keys }),
        "SET" => decode_set(arguments),
        "DEL" => arguments.texts().map(|keys| ServerCommand::Delete { keys }),
        "PEXPIRE" => decode_expire(arguments),
        "PERSIST" => arguments.text().map(|key| ServerCommand::Persist { key }),
        "PTTL" => arguments.text().map(|key| ServerCommand::TimeToLive { key }),
        "SCAN" => decode_scan(arguments),
        "PUBLISH" => decode_publish(arguments),
        "WAIT" => arguments.number::<u32>().and_then(|_| arguments.number::<u64>()).map(|_| ServerCommand::Wait),
        "INFO" => arguments.text().filter(|section| section == "memory").map(|_| ServerCommand::Info),
        "EVALSHA" | "EVAL" => return decode_script(name == "EVALSHA", arguments),
        _ => return Err(format!("ERR unknown command '{name}'")),
    };
    decoded
        .filter(|_| arguments.is_empty())
        .ok_or_else(|| format!("ERR the server in this process does not take these arguments of {name}"))
}

fn decode_range(arguments: &mut ArgumentReader<'_>) -> Option<ServerCommand> {
    Some(ServerCommand::GetRange { key: arguments.text()?, first: arguments.number()?, last: arguments.number()? })
}

fn decode_set(arguments: &mut ArgumentReader<'_>) -> Option<ServerCommand> {
    let (key, value) = (arguments.text()?, arguments.bytes()?.to_vec());
    let option = arguments.option()?;
    let expiry = match option.as_str() {
        "" | "NX" => SetExpiry::Never,
        "KEEPTTL" => SetExpiry::Keep,
        "EX" => SetExpiry::After(arguments.number::<u64>()?.checked_mul(1000)?),
        "PX" => SetExpiry::After(arguments.number()?),
        _ => return None,
    };
    Some(ServerCommand::Set { key, value, expiry, only_if_absent: option == "NX" })
}

fn decode_expire(arguments: &mut ArgumentReader<'_>) -> Option<ServerCommand> {
    let (key, ms) = (arguments.text()?, arguments.number::<i64>()?);
    Some(ServerCommand::Expire { key, ms: ms.max(0).unsigned_abs() })
}

fn decode_scan(arguments: &mut ArgumentReader<'_>) -> Option<ServerCommand> {
    let (cursor, mut prefix) = (arguments.text()?, String::new());
    loop {
        match arguments.option()?.as_str() {
            "" => return Some(ServerCommand::Scan { cursor, prefix }),
            "MATCH" => prefix = literal_prefix(&arguments.text()?)?,
            // COUNT is only a hint, so it is ignored.
            "COUNT" => drop(arguments.number::<u64>()?),
            _ => return None,
        }
    }
}

/// The prefix that a pattern of literal characters and a `*` at its end stands for; None for any other pattern.
fn literal_prefix(pattern: &str) -> Option<String> {
    let (mut prefix, mut chars) = (String::new(), pattern.strip_suffix('*')?.chars());
    while let Some(char) = chars.next() {
        match char {
            '\\' => prefix.push(chars.next()?),
            '*' | '?' | '[' | ']' | '^' => return None,
            _ => prefix.push(char),
        }
    }
    Some(prefix)
}

fn decode_publish(arguments: &mut ArgumentReader<'_>) -> Option<ServerCommand> {
    Some(ServerCommand::Publish { channel: arguments.text()?, message: arguments.bytes()?.to_vec() })
}

fn decode_script(is_named_by_sha: bool, arguments: &mut ArgumentReader<'_>) -> Result<ServerCommand, String> {
    let text = arguments.text().unwrap_or_default();
    // The in-process server gives the same answers to every form.
    let is_named = |script: Script| text == if is_named_by_sha { script.sha } else { script.text };
    let (script, command) = if CommitForm::ALL.iter().any(|form| is_named(form.commit_script())) {
        (ScriptName::Commit, decode_commit(arguments).map(|(commit, secret)| Command::Commit(commit.into(), secret)))
    } else if CommitForm::ALL.iter().any(|form| is_named(form.group_script())) {
        (ScriptName::Group, decode_group(arguments).map(|(group, secret)| Command::Group(group.into(), secret)))
    } else if CommitForm::ALL.iter().any(|form| is_named(form.compare_script())) {
        (ScriptName::Compare, decode_compare(arguments).map(|checks| Command::Compare { checks }))
    } else if is_named(writers_script()) {
        (ScriptName::Writers, decode_writers(arguments))
    } else if is_named(history_script()) {
        (ScriptName::History, decode_history(arguments))
    } else if is_named_by_sha {
        return Err("NOSCRIPT No matching script.".into());
    } else {
        return Err("ERR the server in this process runs no scripts but those of synced-memory".into());
    };
    let command = command.filter(|_| arguments.is_empty()).ok_or("ERR these are not the arguments of this script")?;
    Ok(ServerCommand::RunScript { script, is_named_by_sha, command })
}

/// Decodes the keys and arguments that the head of `writers.lua` lists.
fn decode_writers(arguments: &mut ArgumentReader<'_>) -> Option<Command> {
    arguments.number::<u8>().filter(|count| *count == 1)?;
    let key = arguments.text()?;
    for _limit in 0..3 {
        arguments.number::<u64>()?;
    }
    let (writer, entry) = (arguments.text()?, arguments.text()?);
    let change = match (writer.as_str(), entry.as_str()) {
        ("", "") => None,
        (writer, "") => Some(WritersChange::Remove(WriterId(writer.into()))),
        (_, entry) => Some(WritersChange::Keep(ListedWriter::decode_rest(entry)?)),
    };
    Some(Command::Writers { key, change })
}
