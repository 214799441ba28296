//! Numbers that JavaScript's `JSON.parse` would spoil, marked so that a reviver can read them.
//!
//! An integer beyond 2^53 - 1, `NaN`, `Infinity` and `-Infinity` become the string `"\u0000n<lexeme>"`;
//! a string that really begins with U+0000 gets `\u0000s` put before it.

use super::elements::end_of_string;

/// 2^53 - 1 in decimal.
const MAX_SAFE: &str = "9007199254740991";

/// Append JSON text to `out`, tagged. True where something had to be.
pub(super) fn push(text: &str, out: &mut String) -> bool {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                // The reviver does not see an object's keys.
                if text[start + 1..].starts_with("\\u0000") && bytes.get(at) != Some(&b':') {
                    out.push_str(&text[copied..=start]);
                    out.push_str("\\u0000s");
                    copied = start + 1;
                }
            }
            b'-' | b'0'..=b'9' | b'N' | b'I' => {
                at = end_of_number(bytes, at);
                let lexeme = &text[start..at];
                if is_unsafe(lexeme) {
                    out.push_str(&text[copied..start]);
                    out.push_str("\"\\u0000n");
                    out.push_str(lexeme);
                    out.push('"');
                    copied = at;
                }
            }
            // The letters of true, false and null and all punctuation.
            _ => at += 1,
        }
    }
    out.push_str(&text[copied..]);
    copied > 0
}

fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    bytes[start..].iter().position(|byte| !is_part(byte)).map_or(bytes.len(), |len| start + len)
}

fn is_unsafe(lexeme: &str) -> bool {
    let digits = lexeme.strip_prefix('-').unwrap_or(lexeme);
    if digits.starts_with(['N', 'I']) {
        return true;
    }
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && (digits.len(), digits) > (MAX_SAFE.len(), MAX_SAFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(text: &str) -> (String, bool) {
        let mut out = String::new();
        let any = push(text, &mut out);
        (out, any)
    }

    #[test]
    fn what_javascript_can_read_stays() {
        let text = r#"{"N":[9007199254740991,-9007199254740991,1e400,1.5,"12345678901234567890\"",true,null]}"#;
        assert_eq!(tagged(text), (text.to_owned(), false));
    }

    #[test]
    fn what_it_cannot_is_tagged() {
        assert_eq!(
            tagged(r#"[9007199254740992,-12345678901234567890,NaN,-Infinity,"\u0000x",{"\u0000k":1}]"#).0,
            r#"["\u0000n9007199254740992","\u0000n-12345678901234567890","\u0000nNaN","\u0000n-Infinity","\u0000s\u0000x",{"\u0000k":1}]"#
        );
    }
}
