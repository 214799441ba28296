//! Abstract commands as RESP commands, and server replies as answers. Drivers only move them.

mod announcement;
mod encode;
mod reply;

pub use announcement::{read_announcements, write_announcements};
pub use reply::Reply;

use crate::command::{Answer, Command};

/// The text of the script that applies one commit.
pub const COMMIT_SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/commit.lua"));

/// The text of the script that applies a group of them.
pub const GROUP_SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/group.lua"));

/// The channel on which commits are announced of a memory whose keys start with `prefix`.
pub fn channel(prefix: &str) -> String {
    encode::channel(prefix)
}

/// One RESP command: its name and arguments.
pub type Args = Vec<Vec<u8>>;

/// One abstract command on its way to a server.
#[derive(Debug)]
pub struct Exchange {
    command: Command,
    script: Script,
}

/// How a commit's script goes along.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Script {
    /// As its SHA-1.
    Named,
    /// The same again, behind a commit that has it in full.
    NamedBehind,
    /// A NOSCRIPT answer cannot come.
    InFull,
}

/// What to do after the replies of an [`Exchange`].
#[derive(Debug)]
pub enum Next {
    /// Hand this to the session.
    Done(Answer),
    /// The server did not have the script cached: send these commands and take their replies.
    Again(Exchange, Vec<Args>),
}

impl Exchange {
    /// The RESP commands to send, in order, for one abstract command.
    pub fn new(command: Command) -> (Self, Vec<Args>) {
        Self { command, script: Script::Named }.encode()
    }

    fn encode(self) -> (Self, Vec<Args>) {
        let commands = encode::commands(&self.command, self.script == Script::InFull);
        (self, commands)
    }

    /// Take the replies, one for each RESP command, in order. Of those that go out again together, the first has the script in
    /// full and sets `is_reloaded`; those behind it only name it: with each of thousands it would be megabytes.
    pub fn take(self, replies: Vec<Reply>, is_reloaded: &mut bool) -> Next {
        if self.script == Script::InFull || !replies.iter().any(Reply::is_no_script) {
            return Next::Done(reply::answer(&self.command, replies));
        }
        let goes_behind = std::mem::replace(is_reloaded, true) && self.script == Script::Named;
        let script = if goes_behind { Script::NamedBehind } else { Script::InFull };
        let (exchange, commands) = Self { script, ..self }.encode();
        Next::Again(exchange, commands)
    }
}
