//! The Lua scripts that apply commits on a server.

/// The form in which a server gets the scripts. All forms give the same answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CommitForm {
    /// For servers that run a script to its end once it has written something: Redis and Valkey.
    Standard,
    /// For servers that may refuse any write of a script for want of memory, as `DragonflyDB` does, and for unknown ones. A
    /// commit changes a document by one command, after everything that the server could refuse.
    Reserved,
}

/// A script of one form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script {
    /// The Lua text.
    pub text: &'static str,
    /// The SHA-1 digest of the text, by which EVALSHA names it.
    pub sha: &'static str,
}

macro_rules! script {
    ($name:literal) => {
        Script {
            text: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".lua")),
            sha: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".sha1")),
        }
    };
}

/// The script that keeps and reads the list of writers. It has one form: it changes nothing but one key, by one command.
pub(super) fn writers_script() -> Script {
    script!("writers")
}

impl CommitForm {
    /// The most arguments of a command, its name included. `DragonflyDB` closes the connection of a longer one.
    pub(super) fn max_arguments(self) -> usize {
        match self {
            Self::Standard => 1 << 20,
            Self::Reserved => 1 << 16,
        }
    }

    /// The most commits of a group. The reserved form passes documents and sequences to one command, by a Lua function that
    /// calls itself for each of them.
    pub(super) fn max_group_commits(self) -> usize {
        match self {
            Self::Standard => usize::MAX,
            Self::Reserved => 4096,
        }
    }

    /// Every form.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Reserved];

    /// The script that applies one commit.
    pub fn commit_script(self) -> Script {
        match self {
            Self::Standard => script!("standard_commit"),
            Self::Reserved => script!("reserved_commit"),
        }
    }

    /// The script that compares several keys.
    pub fn compare_script(self) -> Script {
        match self {
            Self::Standard => script!("standard_compare"),
            Self::Reserved => script!("reserved_compare"),
        }
    }

    /// The script that applies the commits of a group.
    pub fn group_script(self) -> Script {
        match self {
            Self::Standard => script!("standard_group"),
            Self::Reserved => script!("reserved_group"),
        }
    }
}

/// The script that reads the history of a document, or adds what a foreign writer has changed.
pub fn history_script() -> Script {
    script!("history")
}
