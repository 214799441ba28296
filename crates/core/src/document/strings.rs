//! Strings, and their canonical text: what `JSON.stringify` writes.

/// The canonical text of a string, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        push_unit(c.into(), None, &mut out);
    }
    out.push('"');
    out
}

/// The string whose canonical text this is, without its quotes. None where it has half of a surrogate pair.
pub(crate) fn unquoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    hexadecimal(&digits).and_then(char::from_u32)?
                }
                other => other,
            },
            plain => plain,
        });
    }
    Some(out)
}

pub(super) fn hexadecimal(digits: &str) -> Option<u32> {
    digits.chars().try_fold(0, |number, digit| Some(number * 16 + digit.to_digit(16)?))
}

/// Append a UTF-16 unit, with the unit after it where that one belongs to it.
pub(super) fn push_unit(unit: u32, low: Option<u32>, out: &mut String) {
    let paired = low.filter(|low| (0xDC00..0xE000).contains(low));
    let code = paired.map_or(unit, |low| 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
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
    fn half_a_surrogate_pair_is_no_string() {
        assert_eq!(unquoted("\\ud800"), None);
        assert_eq!(unquoted("\\"), None);
        assert_eq!(unquoted("\\u0001\\/").as_deref(), Some("\u{1}/"));
    }

    proptest::proptest! {
        #[test]
        fn as_serde_json_has_it(text: String) {
            let quoted = quoted(&text);
            proptest::prop_assert_eq!(quoted.as_str(), serde_json::to_string(&text).unwrap());
            proptest::prop_assert_eq!(unquoted(&quoted[1..quoted.len() - 1]), Some(text));
        }
    }
}
