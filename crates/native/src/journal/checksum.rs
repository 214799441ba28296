//! Checksums of the rows of a journal: `SQLite` has none of its own once a row is out of the write-ahead log.

/// The FNV-1a hash of a row's key and text.
pub(super) fn checksum(key: &str, text: &str) -> i64 {
    let bytes = key.bytes().chain([0xff]).chain(text.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    i64::from_ne_bytes(hash.to_ne_bytes())
}
