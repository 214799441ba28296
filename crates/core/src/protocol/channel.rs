//! Namespaces, and the channels of their delta messages.

use super::side_keys::SIDE_KEY_PREFIX;

/// The namespace of a key, or of all keys with a prefix: everything up to the last colon. The name of an attribute holds no
/// colon, so all keys of a memory have one namespace, which memories with other prefixes may share.
pub fn namespace_of(key_or_prefix: &str) -> &str {
    &key_or_prefix[..key_or_prefix.rfind(':').map_or(0, |colon| colon + 1)]
}

/// The channel on which commits to the documents of a key's or a prefix's namespace are announced.
pub fn channel(key_or_prefix: &str) -> String {
    format!("{SIDE_KEY_PREFIX}{}", namespace_of(key_or_prefix))
}

/// The namespace whose channel this is. None for a channel of another program.
pub fn namespace_of_channel(channel: &str) -> Option<&str> {
    channel.strip_prefix(SIDE_KEY_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_prefix_have_one_namespace() {
        assert_eq!(namespace_of("memory:tasks"), "memory:");
        assert_eq!(namespace_of("memory:a:"), "memory:a:");
        assert_eq!(namespace_of("memory:a:b-"), namespace_of("memory:a:b-tasks"));
        assert_eq!(namespace_of("app-"), namespace_of("app-tasks"));
    }

    #[test]
    fn a_channel_has_the_name_of_its_namespace() {
        assert_eq!(channel("memory:tasks"), "sm:memory:");
        assert_eq!(namespace_of_channel("sm:memory:"), Some("memory:"));
        assert_eq!(namespace_of_channel("another"), None);
    }
}
