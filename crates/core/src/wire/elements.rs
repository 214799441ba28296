//! JSON arrays as the texts of their elements.

/// The texts of an array's elements, without the space around them. None where it is no array. What is in an element is
/// looked at by who reads it: here, strings and brackets only tell which commas are between elements.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let inner = array.trim_ascii().strip_prefix('[')?.strip_suffix(']')?.trim_ascii();
    let mut elements = Vec::new();
    if inner.is_empty() {
        return Some(elements);
    }
    let bytes = inner.as_bytes();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at) - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                elements.push(inner[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    elements.push(inner[start..].trim_ascii());
    (depth == 0).then_some(elements)
}

/// Where the string whose quote this is ends: behind its other quote, or with the text.
pub(super) fn end_of_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn commas_between_elements() {
        assert_eq!(elements(" [ ] "), Some(vec![]));
        assert_eq!(
            elements(r#"[1, "a,]\"" ,[2,[3]],{"k":[4,"}"]} ]"#),
            Some(vec!["1", r#""a,]\"""#, "[2,[3]]", r#"{"k":[4,"}"]}"#])
        );
        // Nothing that could be read comes of these.
        assert_eq!(elements(r#"["a]"#), Some(vec!["\"a"]));
        assert_eq!(elements(r#"[1,,"\]"#), Some(vec!["1", "", r#""\"#]));
        for text in ["", "[", "]", "[1", "1", "{}", "[[1]", "[1]]"] {
            assert_eq!(elements(text), None, "{text}");
        }
    }
}
