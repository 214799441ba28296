//! Strings and their canonical text, which is what `JSON.stringify` writes.

/// The canonical text of a string, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        return ["\"", text, "\""].concat();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        push_unit(c.into(), None, &mut out);
    }
    out.push('"');
    out
}

/// The canonical text of a string token. Error: the offset of an escape that JSON does not have.
pub(super) fn canonical(token: &str) -> Result<String, usize> {
    let mut out = String::with_capacity(token.len());
    let mut at = 0;
    while let Some(plain) = token[at..].find('\\') {
        out.push_str(&token[at..at + plain]);
        at += plain;
        at += push_escape(&token[at..], &mut out).ok_or(at)?;
    }
    out.push_str(&token[at..]);
    Ok(out)
}

/// Append the canonical text of the escape that `text` begins with. Returns its length in bytes; None where JSON does not
/// have it.
fn push_escape(text: &str, out: &mut String) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'u' => {
            let unit = unicode_escape(text)?;
            let is_high = (0xD800..0xDC00).contains(&unit);
            let low =
                if is_high { unicode_escape(&text[6..]) } else { None }.filter(|low| (0xDC00..0xE000).contains(low));
            push_unit(unit, low, out);
            Some(if low.is_some() { 12 } else { 6 })
        }
        b'/' => {
            out.push('/');
            Some(2)
        }
        b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => {
            out.push_str(&text[..2]);
            Some(2)
        }
        _ => None,
    }
}

/// The UTF-16 unit of the `\u` escape that `text` begins with.
fn unicode_escape(text: &str) -> Option<u32> {
    hexadecimal(text.strip_prefix("\\u")?.get(..4)?)
}

fn hexadecimal(digits: &str) -> Option<u32> {
    digits.chars().try_fold(0, |number, digit| Some(number * 16 + digit.to_digit(16)?))
}

/// Append a UTF-16 unit, with the low half of the surrogate pair that it begins, if there is one.
fn push_unit(unit: u32, low: Option<u32>, out: &mut String) {
    let code = low.map_or(unit, |low| 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
    match (char::from_u32(code), code) {
        (_, 0x08) => out.push_str("\\b"),
        (_, 0x09) => out.push_str("\\t"),
        (_, 0x0A) => out.push_str("\\n"),
        (_, 0x0C) => out.push_str("\\f"),
        (_, 0x0D) => out.push_str("\\r"),
        (_, 0x22) => out.push_str("\\\""),
        (_, 0x5C) => out.push_str("\\\\"),
        (Some(c), 0x20..) => out.push(c),
        // Other control characters, and half of a surrogate pair without the other.
        _ => {
            out.push_str("\\u");
            out.extend([12, 8, 4, 0].iter().filter_map(|shift| char::from_digit(code >> shift & 15, 16)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_that_json_does_not_have_are_located() {
        for (token, at) in [(r#""é\x""#, 3), (r#""\u12""#, 1), (r#""\ud83d\u12g4""#, 7)] {
            assert_eq!(canonical(token), Err(at), "{token}");
        }
    }

    proptest::proptest! {
        #[test]
        fn serde_json_writes_the_same(text: String) {
            let quoted = quoted(&text);
            proptest::prop_assert_eq!(quoted.as_str(), serde_json::to_string(&text).unwrap());
            proptest::prop_assert_eq!(canonical(&quoted), Ok(quoted.clone()));
        }
    }
}
