//! The events of a session.

use crate::byte_len::ByteLen;
use crate::error::SyncError;
use crate::ids::{
    GroupId, MutationNumber, RefreshId, ReplicationId, Revision, TtlRequestId, WriterId, WritersRequestId,
};
use crate::mutation::{Json, Mutation};
use crate::protocol::{Lifetime, WritersList};
use crate::replica::{Change, MutationResult};
use std::borrow::Cow;

/// Something that happened in a session and that its host may have to act on. `name` is always the name of an attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The optimistic document of an attribute changed other than by a mutation of this session.
    Changed {
        /// The attribute.
        name: String,
        /// The change.
        change: Change,
        /// The confirmed revision; None where there is no document.
        revision: Option<Revision>,
        /// The length of the optimistic document, 0 where there is none.
        len: ByteLen,
        /// The writer whose commit made the change; None where it is unknown, or where there were several.
        writer: Option<WriterId>,
    },
    /// The backend acknowledged a commit.
    Acknowledged {
        /// The attribute.
        name: String,
        /// The confirmed revision; None where the commit deleted the document.
        revision: Option<Revision>,
        /// The length of the optimistic document, 0 where there is none.
        len: ByteLen,
        /// The last mutation of the attribute that is acknowledged.
        last: MutationNumber,
        /// How often the commit was sent.
        attempts: u32,
    },
    /// Every mutation up to this one has been acknowledged, rejected or dropped.
    Settled(MutationNumber),
    /// Mutations were rejected for good and have been rolled back.
    Rejected {
        /// The attribute.
        name: String,
        /// The reason.
        error: SyncError,
        /// The first rejected mutation.
        first: MutationNumber,
    },
    /// A mutation was dropped because what it was to change is gone.
    Conflict {
        /// The attribute.
        name: String,
        /// The mutation that was dropped.
        mutation: Mutation,
        /// The reason.
        error: SyncError,
    },
    /// A removal met what was gone already, and removes the rest, if there is any.
    Moot {
        /// The attribute.
        name: String,
        /// The removal, without values that it inserts.
        removal: Mutation,
        /// Which part of what it removes is gone, for people.
        message: Cow<'static, str>,
    },
    /// The server lost acknowledged data (a fail-over, a restored backup): the revision of a document went back, or the server
    /// does not have this writer's last acknowledged commit. The replica follows the server.
    Regressed {
        /// The attribute.
        name: String,
        /// The revision that had been confirmed; [`Revision::NONE`] where there was no document.
        from: Revision,
        /// The revision that is stored now, which is higher where other writers have gone on; [`Revision::NONE`] where there is
        /// no document.
        to: Revision,
    },
    /// A document that was loaded has been read again, as a whole or its end, because no deltas led to its new revision.
    Resynced {
        /// The attribute.
        name: String,
        /// The length of the text that was read.
        len: ByteLen,
    },
    /// The backend can be reached, and every loaded attribute is up to date.
    Connected,
    /// The backend cannot be reached.
    Disconnected(SyncError),
    /// The initial load is complete: every attribute of [`Config::names`](crate::config::Config::names), or every one that
    /// there is, has been fetched. Happens once.
    Ready,
    /// A refresh is complete.
    Refreshed(RefreshId),
    /// A wait for replicas has ended.
    Replicated {
        /// The id that `replicate` returned.
        id: ReplicationId,
        /// The number of replicas that have every commit acknowledged before the call, or why that is unknown.
        count: Result<u32, SyncError>,
    },
    /// The backend acknowledged a group.
    GroupCommitted(GroupId),
    /// A group was given up, and all its mutations have been rolled back.
    GroupAborted {
        /// The group.
        id: GroupId,
        /// The reason.
        error: SyncError,
    },
    /// The answer to a request about the time to live of an attribute.
    Lifetime {
        /// The id that `expire`, `persist` or `ttl` returned.
        id: TtlRequestId,
        /// The remaining time to live, or why it is unknown.
        lifetime: Result<Lifetime, SyncError>,
    },
    /// The answer to a request about the history of an attribute.
    History {
        /// The id that `history` or `value_at` returned.
        id: TtlRequestId,
        /// For `history` the entries as [`encode_page`](crate::history::encode_page) writes them; for `value_at` an array of
        /// the value, which is empty where there was none; or why neither is known.
        result: Result<Json, SyncError>,
    },
    /// The commit of a mutation that has a result was acknowledged, or the mutation was given up.
    Completed {
        /// The mutation.
        number: MutationNumber,
        /// Its result, or why it was not applied.
        result: MutationResult,
    },
    /// The answer to a request for the writers that have the memory open.
    Writers {
        /// The id that [`Session::writers`](super::Session::writers) returned.
        id: WritersRequestId,
        /// The list, or why it is unknown.
        writers: Result<WritersList, SyncError>,
    },
    /// The backend has answered, or will not answer, the commands of [`Session::release`](super::Session::release).
    Released,
    /// The server is set up in a way that weakens what the session promises.
    Warning(SyncError),
    /// Something failed that belongs to none of the other events. The session carries on.
    Failed(SyncError),
}
