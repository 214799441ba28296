//! Marks of numbers that JavaScript's `JSON.parse` would change.

use crate::document::{Lexer, Token, is_unsafe_integer};

/// The number of digits of 2^53 - 1, the largest integer that `JSON.parse` does not round.
const MAX_SAFE_INTEGER_DIGITS: usize = 16;

/// Add [marks](super#marks) to the canonical JSON text that begins at an offset of `text`. Returns whether it needs any.
pub(super) fn mark_from(text: &mut String, start: usize) -> bool {
    if !may_need_marks(&text.as_bytes()[start..]) {
        return false;
    }
    let unmarked = text.split_off(start);
    push_marked(&unmarked, text)
}

fn push_marked(text: &str, out: &mut String) -> bool {
    let mut lexer = Lexer::new(text);
    let mut copied = 0;
    while let Some(token) = lexer.next_token().filter(|token| *token != Token::End) {
        let span = lexer.span();
        match token {
            // A reviver is called for values, not for keys.
            Token::EscapedString
                if lexer.lexeme()[1..].starts_with("\\u0000") && !text[span.end..].starts_with(':') =>
            {
                out.push_str(&text[copied..=span.start]);
                out.push_str("\\u0000s");
                copied = span.start + 1;
            }
            Token::Number if !is_unsafe_integer(lexer.lexeme()) => {}
            Token::Number | Token::NonFinite => {
                out.push_str(&text[copied..span.start]);
                out.push_str("\"\\u0000n");
                out.push_str(lexer.lexeme());
                out.push('"');
                copied = span.end;
            }
            _ => {}
        }
    }
    out.push_str(&text[copied..]);
    copied > 0
}

/// Whether text has a long number, a word or an escape that may need a mark. This is much cheaper than to read its tokens, and
/// hardly any text has one.
fn may_need_marks(text: &[u8]) -> bool {
    has_long_number(text) || has_word_or_escape(text)
}

/// Looks at every sixteenth byte only: a number of so many digits has a digit there.
fn has_long_number(text: &[u8]) -> bool {
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    (MAX_SAFE_INTEGER_DIGITS - 1..text.len()).step_by(MAX_SAFE_INTEGER_DIGITS).any(|at| {
        let (before, after) = text.split_at(at);
        let digits_from = after.iter().take_while(is_digit).count();
        digits_from > 0 && digits_from + before.iter().rev().take_while(is_digit).count() >= MAX_SAFE_INTEGER_DIGITS
    })
}

/// Looks for first bytes in a piece at a time, which the compiler turns into a comparison of many bytes at once.
fn has_word_or_escape(text: &[u8]) -> bool {
    const PIECE: usize = 64;
    let is_first = |byte: &u8| matches!(byte, b'N' | b'I' | b'\\');
    text.chunks(PIECE).enumerate().any(|(index, piece)| {
        piece.iter().fold(false, |is_found, byte| is_found | is_first(byte))
            && (index * PIECE..index * PIECE + piece.len()).any(|at| {
                let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"\\u0000"];
                is_first(&text[at]) && words.iter().any(|word| text[at..].starts_with(word))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> (String, bool) {
        let mut out = text.to_owned();
        let has_marks = mark_from(&mut out, 0);
        (out, has_marks)
    }

    #[test]
    fn safe_numbers_stay() {
        let text = r#"{"N":[9007199254740991,-9007199254740991,1e400,1.5,"12345678901234567890\"",true,null]}"#;
        assert_eq!(marked(text), (text.to_owned(), false));
    }

    #[test]
    fn what_needs_a_mark_is_found_wherever_it_begins() {
        for before in 0..80 {
            let safe = format!("[\"{}\",9007199254740991]", "x".repeat(before));
            assert_eq!(marked(&safe), (safe.clone(), false));
            for unsafe_value in ["9007199254740992", "-123456789012345678901234567890123456", "NaN", "\"\\u0000\""] {
                assert!(marked(&format!("[\"{}\",{unsafe_value}]", "N".repeat(before))).1, "{before} {unsafe_value}");
            }
        }
    }

    #[test]
    fn unsafe_numbers_and_strings_that_look_like_marks_are_marked() {
        assert_eq!(
            marked(r#"[9007199254740992,-12345678901234567890,NaN,-Infinity,"\u0000x",{"\u0000k":1}]"#).0,
            r#"["\u0000n9007199254740992","\u0000n-12345678901234567890","\u0000nNaN","\u0000n-Infinity","\u0000s\u0000x",{"\u0000k":1}]"#
        );
    }
}
