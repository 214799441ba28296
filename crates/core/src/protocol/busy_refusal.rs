//! Refusals of a server that pass by themselves.

use super::resp_reply::has_code;
use crate::error::{ErrorCode, SyncError};

/// Codes of errors that pass by themselves, with the state of the server and what to do about it.
const STATES: [(&str, &str); 9] = [
    ("LOADING", "the server is loading its data; wait until it has started"),
    ("READONLY", "the server is a replica: give the master's URL, or wait until it is the master"),
    ("OOM", OUT_OF_MEMORY),
    ("CLUSTERDOWN", "some slots of the cluster have no master; bring its nodes back"),
    ("TRYAGAIN", "the cluster is moving the keys to another node; wait until they have moved"),
    ("MASTERDOWN", "the server is a replica that has lost its master: give the master's URL, or bring the master back"),
    ("BUSY", "the server is running somebody's script; wait, or end it with SCRIPT KILL or FUNCTION KILL"),
    ("MISCONF", "the server cannot save its data, and takes no writes; look at its log and its disk"),
    ("NOREPLICAS", "the server has too few replicas, and takes no writes (min-replicas-to-write); bring them back"),
];

const OUT_OF_MEMORY: &str =
    "the server is out of memory (maxmemory); raise maxmemory, delete something, or wait until there is memory again";

/// The error (`Busy`) of a server that cannot execute a command now. `message` is that of its reply. None where the refusal does not
/// pass by itself.
pub fn busy_refusal(message: &str) -> Option<SyncError> {
    let state = match STATES.iter().find(|(code, _)| has_code(message, &[code])) {
        Some((_, state)) => state,
        None if is_out_of_memory(message) => OUT_OF_MEMORY,
        None => return None,
    };
    Some(SyncError::new(ErrorCode::Busy, format!("{state}; trying again")))
}

/// Whether the server had no memory for a write. `DragonflyDB` has no code for that. To send the commit again is right because
/// the reserved form of the scripts has changed nothing then.
fn is_out_of_memory(message: &str) -> bool {
    message.starts_with("ERR Out of memory")
        || message.starts_with("ERR Error running script") && message.contains("-ERR Out of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> String {
        let error = busy_refusal(message).expect("it passes");
        assert_eq!(error.code, ErrorCode::Busy);
        error.message.into_owned()
    }

    #[test]
    fn a_server_without_memory_says_so_without_its_script() {
        for message in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "OOM command not allowed when used memory > 'maxmemory'. script: 5f2ab0, on @user_script:53.",
            "ERR Error running script (call to f_5f2ab0): @user_script:53: -OOM command not allowed when used memory > 'maxmemory'.",
            "ERR Out of memory",
            "ERR Error running script (call to 5f2ab0): @user_script:53: -ERR Out of memory",
        ] {
            assert!(text(message).starts_with("the server is out of memory (maxmemory); "), "{message}");
            assert!(!text(message).contains("script"), "{message}");
        }
    }

    #[test]
    fn a_replica_asks_for_the_url_of_its_master() {
        for message in [
            "READONLY You can't write against a read only replica.",
            "READONLY You can't write against a read only replica. script: 5f2ab0, on @user_script:53.",
            "ERR Error running script (call to f_5f2ab0): @user_script:53: @user_script: 53: -READONLY You can't write against a read only replica.",
        ] {
            assert!(text(message).starts_with("the server is a replica: give the master's URL"), "{message}");
        }
    }

    #[test]
    fn every_other_state_has_its_words() {
        for (message, expected) in [
            ("LOADING Redis is loading the dataset in memory", "loading its data"),
            ("CLUSTERDOWN Hash slot not served", "no master"),
            ("TRYAGAIN Multiple keys request during rehashing of slot", "moving the keys"),
            ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "lost its master"),
            ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "script"),
            ("MISCONF Errors writing to the AOF file: No space left on device", "cannot save"),
            ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
        ] {
            assert!(text(message).contains(expected), "{message}");
        }
    }

    #[test]
    fn refusals_for_good_do_not_pass() {
        for message in [
            "NOPERM this user has no permissions to run the 'get' command",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "BUSYKEY Target key name already exists.",
            "ERR syntax error",
        ] {
            assert_eq!(busy_refusal(message), None, "{message}");
        }
    }
}
