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
    /// The script went along in full: a NOSCRIPT answer cannot come.
    in_full: bool,
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
        let commands = encode::commands(&command, false);
        (Self { command, in_full: false }, commands)
    }

    /// Take the replies, one for each RESP command, in order.
    pub fn take(self, replies: Vec<Reply>) -> Next {
        if !self.in_full && replies.iter().any(Reply::is_no_script) {
            let commands = encode::commands(&self.command, true);
            return Next::Again(Self { in_full: true, ..self }, commands);
        }
        Next::Done(reply::answer(&self.command, replies))
    }
}
