//! Hash tags, by which a cluster keeps keys together.

/// The hash tag of a key: what stands between its first `{` and the first `}` after that, if anything does. On a cluster
/// the tag alone decides the slot of the key. None where the whole key decides it.
///
/// The rule is that of the [cluster specification](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
pub fn hash_tag(key: &str) -> Option<&str> {
    let (_, after_brace) = key.split_once('{')?;
    let (tag, _) = after_brace.split_once('}')?;
    (!tag.is_empty()).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::hash_tag;

    #[test]
    fn the_first_braces_decide() {
        for (key, tag) in [
            ("memory:tasks", None),
            ("memory:{user}:tasks", Some("user")),
            ("{user1000}.following", Some("user1000")),
            ("foo{}{bar}", None),
            ("foo{{bar}}zap", Some("{bar")),
            ("foo{bar}{zap}", Some("bar")),
            ("}foo{bar}", Some("bar")),
            ("foo{bar", None),
            ("foo}bar{", None),
            ("", None),
        ] {
            assert_eq!(hash_tag(key), tag, "{key}");
        }
    }
}
