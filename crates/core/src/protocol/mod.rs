//! The protocol between a session and a backend: abstract commands and answers, their encoding as RESP commands and
//! replies, the scripts that a server runs, and the messages that announce commits. Drivers only move bytes.

mod answer;
mod argument_reader;
mod busy_refusal;
mod channel;
mod command;
mod decode_answer;
mod decode_command;
mod decode_commit;
mod delta_message;
mod encode_command;
mod encode_outcome;
mod eviction_policy;
mod hash_tag;
mod names_log;
mod notification;
mod pending_command;
mod resp_reply;
#[cfg(test)]
mod round_trip_tests;
mod scripts;
mod secret;
mod side_keys;
mod writers_list;

pub use answer::{Answer, CommitOutcome, GroupOutcome, GuardResult, Lifetime, ProbeResult, Turn};
pub use busy_refusal::busy_refusal;
pub use channel::{channel, namespace_of, namespace_of_channel};
pub use command::{
    Announcement, Command, Commit, ContentionTerms, DEDUP_KEY_SECONDS, ForeignChange, Group, HISTORY_LIMIT,
    JOURNALLED_DEDUP_KEY_SECONDS, MAX_STALE_TEXT, RELEASED_DEDUP_KEY_MS, REQUEST_DEDUP_KEY_SECONDS, RequestId,
    ReservationRequest,
};
pub use delta_message::{
    DELTA_PROTOCOL_VERSION, DeltaMessage, MAX_MESSAGE_BYTES, decode_delta_message, decode_unsigned_message,
    encode_delta_message, is_signed,
};
pub use encode_command::RespCommand;
pub use eviction_policy::EvictionPolicy;
pub use hash_tag::hash_tag;
pub use names_log::{MAX_NAMES_LOG_BYTES, NamesLog};
pub use notification::{Delta, DeltaDelivery, Invalidations};
pub use pending_command::{PendingCommand, ReplyOutcome};
pub use resp_reply::RespReply;
pub use scripts::{CommitForm, Script, history_script};
pub use secret::Secret;
pub use writers_list::{ListedWriter, MAX_WRITERS_BYTES, WRITER_LIFETIME_MS, WritersChange, WritersList};

pub(crate) use decode_command::{ScriptName, ServerCommand, SetExpiry, decode_command};
pub(crate) use encode_outcome::{
    encode_commit_outcome, encode_compared, encode_group_outcome, encode_history, encode_recorded,
};
pub(crate) use side_keys::{
    SIDE_KEY_PREFIX, append_run_key, dedup_key, dedup_key_pattern, history_key, reservations_key, writers_key,
};
pub use side_keys::{group_mark_key, is_reserved_prefix, names_key};
