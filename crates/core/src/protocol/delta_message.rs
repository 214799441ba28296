//! Delta messages: the texts by which commits are announced to other replicas, over a server's channel and through the
//! embedded file. Processes with different versions of the library exchange them.
//!
//! ```text
//! message  = "sm" version " " digest " " envelope body
//! envelope = count " " length{count} key{count}      one length, followed by a space, and one key for each document
//! body     = delta{count}                            version 1; in the order of the keys
//! delta    = writer " " base " " revision " " stored-length " " mutations-length " " mutations
//! ```
//!
//! Numbers are unsigned and decimal, lengths count bytes, and a writer's id has no space. For base, revision, stored length
//! and mutations see [`Delta`]. Nothing follows the last delta.
//!
//! The digest has 40 digits: see [`Secret`]. It is over the whole message without it, and only zeros where the writer has no
//! secret. A reader that cannot verify it takes the message as a hint to read the documents.
//!
//! The digest and the envelope are the same in every version: a reader that does not know the version, or cannot read the
//! body, learns which documents the message is about, and reads those again.

use super::notification::Delta;
use super::secret::Secret;
use crate::byte_len::ByteLen;
use crate::ids::{Revision, WriterId, parse_unsigned};
use std::collections::HashSet;

/// The version of the messages that this library writes, and the only one whose body it reads. `delta_message.lua`, which
/// writes them on servers, has it too. A change of the format needs a new version.
pub const DELTA_PROTOCOL_VERSION: u32 = 1;

/// The most documents of one message that are followed one by one. A message about more is a reason to refresh all.
const MAX_KEYS: usize = 1024;

/// The digest of a message by a writer without a secret.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000";

/// A delta message, as far as it can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeltaMessage {
    /// The deltas of one commit, of different documents.
    Deltas(Vec<Delta>),
    /// A message of another version, with a body that cannot be read, or without a digest: these keys have changed.
    Changed(Vec<String>),
    /// A message about too many documents: any key may have changed.
    ChangedAll,
}

impl DeltaMessage {
    fn changed(keys: &[&str]) -> Self {
        Self::Changed(keys.iter().map(|key| (*key).to_owned()).collect())
    }
}

/// Encode the message about the deltas of one commit, of which there is at least one.
pub fn encode_delta_message(deltas: &[Delta], secret: Option<&Secret>) -> String {
    let lengths: Vec<String> = deltas.iter().map(|delta| delta.key.len().to_string()).collect();
    let keys: String = deltas.iter().map(|delta| delta.key.as_str()).collect();
    let body: String = deltas.iter().map(encode_delta).collect();
    let text = format!("{} {} {keys}{body}", deltas.len(), lengths.join(" "));
    let start = format!("sm{DELTA_PROTOCOL_VERSION} ");
    let digest = secret.map_or_else(|| NO_DIGEST.to_owned(), |secret| secret.digest(start.as_bytes(), text.as_bytes()));
    format!("{start}{digest} {text}")
}

fn encode_delta(Delta { writer, base, revision, len, mutations, .. }: &Delta) -> String {
    format!("{} {base} {revision} {len} {} {mutations}", writer.0, mutations.len())
}

/// The longest delta message that is taken in, in bytes. Receivers cut off what is beyond it: then the digest does not fit,
/// and the keys at the beginning say what to read.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Decode a message from a source that only writers of the memory can write to, or one whose digest
/// [is right](is_signed). None where it is no delta message.
pub fn decode_delta_message(message: &[u8]) -> Option<DeltaMessage> {
    let Head { version, text, .. } = Head::read(message)?;
    let mut reader = Reader(text);
    let Envelope::Keys(keys) = Envelope::read(&mut reader)? else { return Some(DeltaMessage::ChangedAll) };
    if version == DELTA_PROTOCOL_VERSION
        && let Some(deltas) = decode_body(&keys, reader)
    {
        return Some(DeltaMessage::Deltas(deltas));
    }
    Some(DeltaMessage::changed(&keys))
}

/// Decode a message that anybody may have published: only its keys are of use, as a hint. None where it is no delta message.
pub fn decode_unsigned_message(message: &[u8]) -> Option<DeltaMessage> {
    match Envelope::read(&mut Reader(Head::read(message)?.text)) {
        Some(Envelope::Keys(keys)) => Some(DeltaMessage::changed(&keys)),
        Some(Envelope::TooManyKeys) => Some(DeltaMessage::ChangedAll),
        // The keys went on behind what was cut off.
        None => (message.len() >= MAX_MESSAGE_BYTES).then_some(DeltaMessage::ChangedAll),
    }
}

/// Whether a message was made by a writer that knows the secret.
pub fn is_signed(message: &[u8], secret: &Secret) -> bool {
    let Some(Head { start, digest, text, .. }) = Head::read(message) else { return false };
    secret.digest(start, text).as_bytes() == digest
}

/// The parts of a message.
struct Head<'a> {
    version: u32,
    /// The bytes before the digest.
    start: &'a [u8],
    digest: &'a [u8],
    /// The envelope and the body.
    text: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(message.strip_prefix(b"sm")?);
        let version = reader.number()?;
        let (start, rest) = message.split_at(message.len() - reader.0.len());
        let (digest, rest) = rest.split_at_checked(NO_DIGEST.len())?;
        Some(Self { version, start, digest, text: rest.strip_prefix(b" ")? })
    }
}

/// The documents that a message is about.
enum Envelope<'a> {
    Keys(Vec<&'a str>),
    /// More than [`MAX_KEYS`]. Nothing is allocated for them.
    TooManyKeys,
}

impl<'a> Envelope<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        // On 32-bit platforms, a larger count is no `usize`.
        let count: u64 = reader.number()?;
        if count == 0 {
            return None;
        }
        let Some(count) = usize::try_from(count).ok().filter(|count| *count <= MAX_KEYS) else {
            return Some(Self::TooManyKeys);
        };
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            lengths.push(reader.number()?);
        }
        let mut keys = Vec::with_capacity(count);
        for length in lengths {
            keys.push(reader.text(length)?);
        }
        Some(Self::Keys(keys))
    }
}

fn decode_body(keys: &[&str], mut reader: Reader<'_>) -> Option<Vec<Delta>> {
    if keys.iter().collect::<HashSet<_>>().len() < keys.len() {
        return None;
    }
    let mut deltas = Vec::with_capacity(keys.len());
    for key in keys {
        let writer = WriterId(reader.field()?.into());
        let (base, revision) = (Revision(reader.number()?), Revision(reader.number()?));
        let len = ByteLen(reader.number()?);
        let mutations_len = reader.number()?;
        let mutations = reader.text(mutations_len)?.to_owned();
        deltas.push(Delta { key: (*key).to_owned(), writer, base, revision, len, mutations });
    }
    reader.0.is_empty().then_some(deltas)
}

/// The bytes of a message that have not been read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Read up to the next space, and the space.
    fn field(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == b' ')?;
        let field = self.text(end)?;
        self.0 = &self.0[1..];
        Some(field)
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        parse_unsigned(self.field()?)
    }

    /// Read this many bytes, which must be UTF-8.
    fn text(&mut self, len: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// `tests/conformance/delta-messages.json`
    #[derive(Deserialize)]
    struct Vectors {
        /// Messages with the deltas that they hold.
        readable: Vec<Readable>,
        /// Messages of which only the keys can be read.
        changed: Vec<Changed>,
        /// Other texts.
        ignored: Vec<String>,
    }

    #[derive(Deserialize)]
    struct Readable {
        deltas: Vec<DeltaVector>,
        message: String,
    }

    #[derive(Deserialize)]
    struct DeltaVector {
        key: String,
        writer: String,
        base: String,
        revision: String,
        length: usize,
        mutations: String,
    }

    #[derive(Deserialize)]
    struct Changed {
        about: String,
        message: String,
        keys: Vec<String>,
    }

    impl From<DeltaVector> for Delta {
        fn from(delta: DeltaVector) -> Self {
            Self {
                key: delta.key,
                writer: WriterId(delta.writer.into()),
                base: Revision(delta.base.parse().unwrap()),
                revision: Revision(delta.revision.parse().unwrap()),
                len: ByteLen(delta.length),
                mutations: delta.mutations,
            }
        }
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!("../../../../tests/conformance/delta-messages.json")).unwrap()
    }

    #[test]
    fn conformance_vectors() {
        let Vectors { readable, changed, ignored } = vectors();
        for Readable { deltas, message } in readable {
            let deltas: Vec<Delta> = deltas.into_iter().map(Delta::from).collect();
            assert_eq!(encode_delta_message(&deltas, None), message);
            assert_eq!(decode_delta_message(message.as_bytes()), Some(DeltaMessage::Deltas(deltas)));
        }
        for Changed { about, message, keys } in changed {
            assert_eq!(decode_delta_message(message.as_bytes()), Some(DeltaMessage::Changed(keys)), "{about}");
        }
        for message in ignored {
            assert_eq!(decode_delta_message(message.as_bytes()), None, "{message}");
        }
    }

    fn secret() -> Secret {
        Secret::new("the secret of memory:")
    }

    #[test]
    fn a_message_is_signed_as_a_whole() {
        for Readable { deltas, message } in vectors().readable {
            let deltas: Vec<Delta> = deltas.into_iter().map(Delta::from).collect();
            let signed = encode_delta_message(&deltas, Some(&secret())).into_bytes();
            assert!(is_signed(&signed, &secret()));
            assert_eq!(decode_delta_message(&signed), Some(DeltaMessage::Deltas(deltas.clone())));
            let keys = deltas.into_iter().map(|delta| delta.key).collect();
            assert_eq!(decode_unsigned_message(&signed), Some(DeltaMessage::Changed(keys)));

            assert!(!is_signed(&signed, &Secret::new("another")));
            assert!(!is_signed(message.as_bytes(), &secret()));
            for at in 0..signed.len() {
                let mut forged = signed.clone();
                forged[at] ^= 1;
                assert!(!is_signed(&forged, &secret()), "byte {at}");
            }
            for forged in [&signed[..signed.len() - 1], &[signed.as_slice(), b" "].concat()] {
                assert!(!is_signed(forged, &secret()));
            }
        }
    }

    /// If this test fails, the format has changed: raise [`DELTA_PROTOCOL_VERSION`] and the version in `delta_message.lua`,
    /// then put the new digest here. Where only the Lua code has, the digest is enough.
    #[test]
    fn the_format_belongs_to_its_version() {
        let lua =
            include_str!("scripts/delta_message.lua").lines().map(str::trim).filter(|line| !line.starts_with("--"));
        let messages = vectors().readable.into_iter().map(|Readable { deltas, .. }| {
            encode_delta_message(&deltas.into_iter().map(Delta::from).collect::<Vec<_>>(), Some(&secret()))
        });
        let format: String = lua.map(str::to_owned).chain(messages).map(|line| line + "\n").collect();
        assert!(format.contains(&format!("'sm{DELTA_PROTOCOL_VERSION} '")));
        let digest = sha1_smol::Sha1::from(&format).digest().to_string();
        assert_eq!((DELTA_PROTOCOL_VERSION, digest.as_str()), (1, "095eeb29ad58ad35fc1af1981541de1718d85c52"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_text() {
        let message =
            |version: &str, text: &[u8]| [version.as_bytes(), b" ", NO_DIGEST.as_bytes(), b" ", text].concat();
        assert_eq!(decode_delta_message(&message("sm1", b"1 8 memory:\xFF")), None);
        let changed = DeltaMessage::Changed(vec!["memory:a".into()]);
        assert_eq!(decode_delta_message(&message("sm1", b"1 8 memory:aw 1 2 30 2 \xFF\xFF")), Some(changed.clone()));
        assert_eq!(decode_delta_message(&message("sm2", b"1 8 memory:a\xFF")), Some(changed));
    }

    #[test]
    fn a_message_about_too_many_documents_is_about_all() {
        let delta = |n| Delta {
            key: format!("memory:{n}"),
            writer: WriterId("w".into()),
            base: Revision(1),
            revision: Revision(2),
            len: ByteLen(30),
            mutations: String::new(),
        };
        let message = encode_delta_message(&(0..MAX_KEYS).map(delta).collect::<Vec<_>>(), None);
        assert!(matches!(decode_delta_message(message.as_bytes()), Some(DeltaMessage::Deltas(_))));
        let message = encode_delta_message(&(0..=MAX_KEYS).map(delta).collect::<Vec<_>>(), None);
        assert_eq!(decode_delta_message(message.as_bytes()), Some(DeltaMessage::ChangedAll));
        // The count alone decides: nothing is allocated for it.
        let message = format!("sm1 {NO_DIGEST} 18446744073709551615 1 a");
        assert_eq!(decode_delta_message(message.as_bytes()), Some(DeltaMessage::ChangedAll));
        assert_eq!(decode_unsigned_message(message.as_bytes()), Some(DeltaMessage::ChangedAll));
    }

    #[test]
    fn a_message_that_was_cut_off_says_which_documents_to_read() {
        let message = |keys: &str| {
            let mut message = format!("sm1 {NO_DIGEST} 1 {} {keys}", keys.len()).into_bytes();
            message.resize(2 * MAX_MESSAGE_BYTES, b'x');
            message.truncate(MAX_MESSAGE_BYTES);
            decode_unsigned_message(&message)
        };
        assert_eq!(message("memory:a"), Some(DeltaMessage::Changed(vec!["memory:a".into()])));
        assert_eq!(message(&"a".repeat(MAX_MESSAGE_BYTES)), Some(DeltaMessage::ChangedAll));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_decoded(version in 0..3, rest: Vec<u8>) {
            let start = format!("sm{version} {NO_DIGEST} 1 ");
            for message in [&rest, &[start.as_bytes(), &rest].concat()] {
                decode_delta_message(message);
                decode_unsigned_message(message);
                assert!(!is_signed(message, &secret()));
            }
        }
    }
}
