//! The objects that cross the boundary, with their TypeScript types.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion of a float saturates, which suits an interval"
)]

use serde::{Deserialize, Serialize};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{
    Config, HistoryOptions, MAX_ABSENT_ATTRIBUTES, MAX_COMMIT_SIZE, SecretOptions, TransportLifetime,
};
use synced_memory_core::protocol::{Secret, hash_tag};
use synced_memory_core::session::DedupKeys;
use synced_memory_core::writer_label::labelled_writer;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** A command for a Redis-compatible server: its name and arguments, bytes where they are not UTF-8. */
export type Command = (string | Uint8Array)[];

/** A server's reply to one command: null, an integer, a string, an array of replies, or an error. */
export type Reply = null | number | bigint | string | Uint8Array | Reply[] | { readonly message: string };

export interface SessionOptions {
  /** The start of this memory's keys, such as `memory:` or `memory:room:`. */
  readonly prefix: string;
  /** The prefix that this memory shares with those that it has as scopes, or is one of, such as `memory:`. */
  readonly base: string;
  /** The secret of delta messages where the server has none: 128 random bits as a text. */
  readonly secret: string;
  /** The name of this writer: random, never used before. */
  readonly writer: string;
  /** The label of this writer. Default: none. */
  readonly label?: string | undefined;
  /** The name of this host, with which this writer is listed. Default: it is not. */
  readonly host?: string | undefined;
  /** A random integer, for the jitter of retries. */
  readonly seed: number;
  /** The attributes to load. Default: all that exist. */
  readonly names?: readonly string[] | undefined;
  /** The maximum length of a document, in bytes of JSON text. */
  readonly maxDocumentBytes: number;
  /** The lifetime that each commit gives its attribute, in milliseconds. Default: the lifetime stays as it is. */
  readonly ttlMs?: number | undefined;
  /** The histories to record. Default: none. */
  readonly history?: { readonly maxEntries: number; readonly names?: readonly string[] | undefined } | undefined;
  /** The interval of polling for changes that no notification announces, in milliseconds. Default: no polling. */
  readonly pollIntervalMs?: number | undefined;
  /** Does the transport live for one request only? */
  readonly isRequestLived: boolean;
  /** Do notifications announce every write, also those of foreign writers? Only reported. */
  readonly notifiesAllWrites: boolean;
  readonly isCluster: boolean;
}

/** Why a transport cannot be used: what only a person can correct, a server that is busy (ERR_BUSY), or anything else (ERR_UNREACHABLE). */
export type ConnectionErrorCode =
  | 'ERR_AUTH'
  | 'ERR_DATABASE'
  | 'ERR_NOT_REDIS'
  | 'ERR_NOT_CLUSTER'
  | 'ERR_TLS'
  | 'ERR_CERTIFICATE'
  | 'ERR_REFUSED'
  | 'ERR_BUSY'
  | 'ERR_UNREACHABLE';

/** The side keys of one memory. */
export interface SideKeys {
  /** A glob pattern that the names of the keys match. */
  pattern: string;
  count: number;
  /** The length of names and values. */
  bytes: number;
  /** The lifetime of a key after the last commit to its attribute. */
  seconds: number;
  /** The lifetime of the keys after the memory was closed. */
  secondsAfterClose: number;
}

/** The abilities of a transport. */
export interface Capabilities {
  topology: 'transport';
  resp: null;
  /** Do commits of other writers arrive as deltas, without reading the document? */
  deltas: boolean;
  /** How changes arrive that no delta announces. */
  changes: 'broadcast' | 'probing' | 'none';
}
";

#[wasm_bindgen]
extern "C" {
    /// [`SessionOptions`] as JavaScript passes them.
    #[wasm_bindgen(typescript_type = "SessionOptions")]
    pub type JsSessionOptions;
    /// [`SideKeys`] as JavaScript receives them.
    #[wasm_bindgen(typescript_type = "SideKeys")]
    pub type JsSideKeys;
    /// [`Capabilities`] as JavaScript receives them.
    #[wasm_bindgen(typescript_type = "Capabilities")]
    pub type JsCapabilities;
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionOptions {
    pub(crate) prefix: String,
    base: String,
    secret: String,
    writer: String,
    label: Option<String>,
    host: Option<String>,
    seed: u64,
    names: Option<Vec<String>>,
    max_document_bytes: u64,
    ttl_ms: Option<u64>,
    history: Option<RecordedHistory>,
    /// A float: it comes from transports of users.
    poll_interval_ms: Option<f64>,
    is_request_lived: bool,
    notifies_all_writes: bool,
    is_cluster: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedHistory {
    max_entries: u32,
    names: Option<Vec<String>>,
}

impl SessionOptions {
    pub(crate) fn change_source(&self) -> ChangeSource {
        match self {
            Self { notifies_all_writes: true, .. } => ChangeSource::Broadcast,
            Self { poll_interval_ms: Some(_), .. } => ChangeSource::Probing,
            _ => ChangeSource::None,
        }
    }
}

impl From<SessionOptions> for Config {
    fn from(options: SessionOptions) -> Self {
        let notes_names = !options.is_cluster || hash_tag(&options.prefix).is_some();
        let transport_lifetime =
            if options.is_request_lived { TransportLifetime::Request } else { TransportLifetime::Process };
        Self {
            prefix: options.prefix,
            secret: Some(SecretOptions { prefix: options.base, candidate: Secret::new(&options.secret) }),
            names: options.names,
            writer: labelled_writer(&options.writer, options.label.as_deref()),
            host: options.host,
            max_document_bytes: ByteLen(usize::try_from(options.max_document_bytes).unwrap_or(usize::MAX)),
            max_commit_size: MAX_COMMIT_SIZE,
            // Other memories on the server may receive deltas even where this transport cannot subscribe.
            publishes_deltas: true,
            notes_names,
            poll_interval_ms: options.poll_interval_ms.map(|ms| ms as u64),
            dedup_key_seconds: transport_lifetime.dedup_key_seconds(options.ttl_ms),
            transport_lifetime,
            ttl_ms: options.ttl_ms,
            seed: options.seed,
            add: crate::arithmetic::add,
            history: options
                .history
                .map(|RecordedHistory { max_entries, names }| HistoryOptions { max_entries, names }),
            max_absent_attributes: MAX_ABSENT_ATTRIBUTES,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Capabilities {
    pub(crate) topology: &'static str,
    /// The transport speaks the protocol of the server, in a version that it alone knows.
    pub(crate) resp: Option<u8>,
    pub(crate) deltas: bool,
    pub(crate) changes: ChangeSource,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeSource {
    Broadcast,
    Probing,
    None,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SideKeys {
    pattern: String,
    count: usize,
    bytes: usize,
    seconds: u32,
    seconds_after_close: u32,
}

impl From<DedupKeys> for SideKeys {
    fn from(DedupKeys { pattern, count, bytes, seconds, seconds_after_release }: DedupKeys) -> Self {
        Self { pattern, count, bytes: bytes.0, seconds, seconds_after_close: seconds_after_release }
    }
}
