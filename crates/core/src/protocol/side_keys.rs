//! Side keys: what the protocol keeps on the server beside a document.
//!
//! A side key is in the hash slot of its document, and outside the prefix under which the Python package loads everything.
//! It starts with `sm:{` or `sm:` and the key, so that the patterns `sm:{<prefix>*` and `sm:<prefix>*` of an ACL give a user
//! the side keys of one prefix and of no other.

use super::hash_tag::hash_tag;
use crate::ids::WriterId;

/// The start of every side key.
pub(crate) const SIDE_KEY_PREFIX: &str = "sm:";

/// The end of the key of an append run. No writer's id is as short.
const APPENDS: &str = "appends";

/// The end of the key of a secret.
const SECRET: &str = "secret";

/// The end of the key of a log of names. No writer's id is as short.
const NAMES: &str = "names";

/// The end of the key of a list of writers. No writer's id is as short.
const WRITERS: &str = "writers";

/// The end of the key of a group mark. No writer's id is as short.
const GROUP_MARK: &str = "group";

/// The end of the key of a history. No writer's id is as short.
const HISTORY: &str = "history";

/// The end of the key of a reservation queue.
const RESERVATIONS: &str = "reservations";

/// Whether a key with this prefix could be a side key, so that the prefix is none for a memory.
pub fn is_reserved_prefix(prefix: &str) -> bool {
    prefix.starts_with(SIDE_KEY_PREFIX) || SIDE_KEY_PREFIX.starts_with(prefix)
}

/// The key that holds the last sequence of `writer` that was applied to the document under `key`.
pub(crate) fn dedup_key(key: &str, writer: &WriterId) -> String {
    side_key(key, &writer.0)
}

/// A glob pattern that the names of a writer's dedup keys match, and those of no other writer.
pub(crate) fn dedup_key_pattern(writer: &WriterId) -> String {
    format!("{SIDE_KEY_PREFIX}*:{}", writer.0)
}

/// The key of the append run: the first and the last revision since which the document under `key` was only appended to.
pub(crate) fn append_run_key(key: &str) -> String {
    side_key(key, APPENDS)
}

/// The key of the secret of the delta messages of all memories whose keys start with `prefix`.
pub(crate) fn secret_key(prefix: &str) -> String {
    side_key(prefix, SECRET)
}

/// The names key: it holds the [log of names](super::NamesLog) of a memory, whose keys start with `prefix`.
pub fn names_key(prefix: &str) -> String {
    side_key(prefix, NAMES)
}

/// The key of the [list of the writers](super::WritersList) that have a memory open, whose keys start with `prefix`.
pub(crate) fn writers_key(prefix: &str) -> String {
    side_key(prefix, WRITERS)
}

/// The key of the group mark of a document: the identity of the last group that changed several documents, of all whose keys
/// start with `prefix`. On a cluster where the prefix has no hash tag (`has_one_slot` is false), each tag of a name has a mark
/// of its own. None where the key has no tag either: a group cannot change the document together with another one.
pub fn group_mark_key(prefix: &str, key: &str, has_one_slot: bool) -> Option<String> {
    if has_one_slot {
        return Some(side_key(prefix, GROUP_MARK));
    }
    let tag = hash_tag(key)?;
    let tagged = format!("{prefix}{{{tag}}}");
    (hash_tag(&tagged) == Some(tag)).then(|| side_key(&tagged, GROUP_MARK))
}

/// The key of the reservation queue: the writers that have reserved the next commits of the document under `key`.
pub(crate) fn reservations_key(key: &str) -> String {
    side_key(key, RESERVATIONS)
}

/// The key of the history of the document under `key`.
pub(crate) fn history_key(key: &str) -> String {
    side_key(key, HISTORY)
}

/// The key that is written before replicas are waited for. It belongs to a memory, whose keys start with `prefix`.
pub(super) fn replication_marker_key(prefix: &str, writer: &WriterId) -> String {
    side_key(prefix, &writer.0)
}

/// `end` must not hold a colon, so that no two keys have a side key in common.
fn side_key(key: &str, end: &str) -> String {
    match hash_tag(key) {
        Some(_) => format!("{SIDE_KEY_PREFIX}{key}:{end}"),
        None => format!("{SIDE_KEY_PREFIX}{{{key}}}:{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_keys_share_the_slot_of_their_document() {
        assert_eq!(dedup_key("memory:tasks", &WriterId("w".into())), "sm:{memory:tasks}:w");
        assert_eq!(append_run_key("memory:{user}:tasks"), "sm:memory:{user}:tasks:appends");
        assert_eq!(secret_key("memory:"), "sm:{memory:}:secret");
        assert_eq!(append_run_key("{bank}alice"), "sm:{bank}alice:appends");
        assert_eq!(append_run_key("memory:{}x"), "sm:{memory:{}x}:appends");
    }

    #[test]
    fn a_group_mark_is_in_the_slot_of_its_documents() {
        let mark = |prefix, key, has_one_slot| group_mark_key(prefix, key, has_one_slot);
        assert_eq!(mark("memory:", "memory:a", true).as_deref(), Some("sm:{memory:}:group"));
        assert_eq!(mark("{app}:", "{app}:a", true).as_deref(), Some("sm:{app}::group"));
        assert_eq!(mark("memory:", "memory:{bank}alice", false).as_deref(), Some("sm:memory:{bank}:group"));
        assert_eq!(mark("memory:", "memory:alice", false), None);
        assert_eq!(mark("a{b", "a{bc}d", false), None, "no key begins with the prefix and has this tag");
    }

    #[test]
    fn prefixes_of_side_keys_are_reserved() {
        for prefix in ["", "s", "sm", "sm:", "sm:memory:"] {
            assert!(is_reserved_prefix(prefix), "{prefix}");
        }
        for prefix in ["memory:", "sma:", "{sm:}"] {
            assert!(!is_reserved_prefix(prefix), "{prefix}");
        }
    }
}
