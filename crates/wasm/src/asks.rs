//! What `call` can be asked. npm/synced-memory/src/wasm/asks.ts has the same numbers. After each stands what is put before,
//! in order, and behind the arrow the number that it gives; times are milliseconds, `?` may be null.
//!
//! The number of what goes is not given again: with `init`, a module may be of another version than the JavaScript.

/// prefix, writer (random, never used before), most bytes of a document, time to live?, how often to look for what nobody
/// tells?, names (or null: all), seed (random) → handle of a memory that is not connected. Leaves the name of its channel.
pub(crate) const OPEN: u32 = 0;
/// What is not acknowledged is lost. Closing twice is fine.
pub(crate) const CLOSE: u32 = 1;

/// batch → 0. Applies the mutations in order; one by itself that cannot be is reported as `rejected`.
pub(crate) const SUBMIT: u32 = 2;
/// mutation. Is refused where `SUBMIT` would reject it.
pub(crate) const CHECK: u32 = 3;
/// → about how many bytes the mutations take that are not acknowledged. Costs their number.
pub(crate) const PENDING_BYTES: u32 = 4;

/// names (or null: all) → the ticket that the event `refreshed` reports. Catches up with the backend.
pub(crate) const REFRESH: u32 = 5;
/// replicas, time to wait → the number that `replicated` reports. Have so many what has been acknowledged?
pub(crate) const REPLICATE: u32 = 6;
/// name, time to live → the number that `lifetime` reports.
pub(crate) const EXPIRE: u32 = 7;
/// name → the number that `lifetime` reports. Lets the attribute stay.
pub(crate) const PERSIST: u32 = 8;
/// name → the number that `lifetime` reports. How long does the attribute stay?
pub(crate) const TTL: u32 = 9;

/// The transport may be used (again): what it was asked for before will not be answered any more.
pub(crate) const CONNECTED: u32 = 10;
/// message, 1 where it is about a login. The transport cannot be used; the host keeps trying.
pub(crate) const DISCONNECTED: u32 = 11;
/// 1 or 0. From now on the messages of the memory's channel come to `HEARD`, or they do so no more.
pub(crate) const LISTENING: u32 = 12;
/// A message of the memory's channel.
pub(crate) const HEARD: u32 = 13;
/// keys. Somebody changed them in a way that no message tells.
pub(crate) const CHANGED: u32 = 14;

/// Leaves the requests to send now, as `Line::requests` writes them; nothing where there are none.
pub(crate) const REQUESTS: u32 = 15;
/// request, a reply to each of its commands → 0 where they are no answer to them: the host gives the request up.
pub(crate) const ANSWER: u32 = 16;
/// Leaves what has happened, in the wire format; nothing where nothing has.
pub(crate) const EVENTS: u32 = 17;
/// → the monotonic time at which to `TICK`, infinite where there is none; below 0 where there are events.
pub(crate) const DUE: u32 = 18;
/// → 1 where a reply is overdue: the host gives the request up.
pub(crate) const TICK: u32 = 19;
