//! Writer labels: names that people give to writers.
//!
//! A label is a part of the writer's id, as `<random part>.<label>`, so that every text that names a writer (delta messages, dedup
//! keys, reservation queues) names its label, too. In an id, every byte of a label that is not a letter, a digit, `-` or `_` is
//! written as `%` and two hexadecimal digits: an id has no colon, no space, and nothing that a pattern gives a meaning.
//!
//! Ids and labels of other writers are untrusted: they are checked before they are shown.

use crate::ids::WriterId;
use std::fmt::Write;

/// The longest label, in bytes of UTF-8.
pub const MAX_LABEL_BYTES: usize = 64;

/// The longest random part of an id that is shown.
const MAX_ID_BYTES: usize = 64;

/// Whether a text can be a label: not empty, not too long, and without characters that a terminal or a page does not print.
pub fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_LABEL_BYTES && text.chars().all(is_printable)
}

/// False for control characters, and for those that change the direction or the place of what is printed beside them.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        && !matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The id of a writer with this random part, and this label.
pub fn labelled_writer(random: &str, label: Option<&str>) -> WriterId {
    let mut id = random.to_owned();
    if let Some(label) = label.filter(|label| is_label(label)) {
        id.push('.');
        encode(label, &mut id);
    }
    WriterId(id.into())
}

/// The id and the label of a writer, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriterName<'a> {
    /// The random part of the id.
    pub id: &'a str,
    /// The label.
    pub label: Option<String>,
}

impl<'a> WriterName<'a> {
    /// The name of a writer; None where its id is not one that this library makes. A label that is none is left out.
    pub fn read(writer: &'a WriterId) -> Option<Self> {
        let (id, label) = match writer.0.split_once('.') {
            Some((id, label)) => (id, decode(label, MAX_LABEL_BYTES).filter(|label| is_label(label))),
            None => (writer.0.as_str(), None),
        };
        let is_id = !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(is_plain);
        is_id.then_some(Self { id, label })
    }
}

/// Whether a byte stands for itself in an id.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Adds a text as letters, digits, `-`, `_` and `%`.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
}

/// The text that [`encode`] has written; None where it is none, or has more than `max_len` bytes.
pub(crate) fn decode(text: &str, max_len: usize) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if bytes.len() == max_len {
            return None;
        }
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            _ if is_plain(byte) => byte,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_part_of_the_id() {
        assert_eq!(labelled_writer("aB3-_", Some("billing-3")).0, "aB3-_.billing-3");
        assert_eq!(labelled_writer("aB3-_", None).0, "aB3-_");
        for label in ["a.b:c d*[x]{y}%2e", "Zoë", "注文", &"x".repeat(MAX_LABEL_BYTES)] {
            let writer = labelled_writer("id", Some(label));
            assert!(writer.0.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'%')), "{}", writer.0);
            assert_eq!(WriterName::read(&writer), Some(WriterName { id: "id", label: Some(label.to_owned()) }));
        }
    }

    #[test]
    fn what_cannot_be_printed_safely_is_no_label() {
        let long = "x".repeat(MAX_LABEL_BYTES + 1);
        for text in ["", "a\nb", "\u{1b}[31m", "\u{202e}x", "a\u{200b}", "\u{7f}", "\u{85}", &long] {
            assert!(!is_label(text), "{text:?}");
            assert_eq!(labelled_writer("id", Some(text)).0, "id");
            let mut forged = "id.".to_owned();
            encode(text, &mut forged);
            let forged = WriterId(forged.into());
            assert_eq!(WriterName::read(&forged), Some(WriterName { id: "id", label: None }), "{text:?}");
        }
    }

    #[test]
    fn ids_of_strangers_are_checked() {
        for id in ["", ".label", "a b", "<script>", "a\u{1b}", &"x".repeat(1000)] {
            assert_eq!(WriterName::read(&WriterId(id.into())), None, "{id:?}");
        }
        for label in ["%", "%4", "%zz", "a.b", "a b", "%ff", &"%61".repeat(100)] {
            let writer = WriterId(format!("id.{label}").into());
            assert_eq!(WriterName::read(&writer), Some(WriterName { id: "id", label: None }), "{label}");
        }
    }
}
