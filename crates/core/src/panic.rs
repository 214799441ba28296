//! The messages of panics, for the errors that a host reports.

use std::any::Any;

/// Index of the first value in a formatted message.
const VALUE_STARTS: [char; 5] = [':', ';', '`', '"', '\n'];

/// The message of a panic without any value that it was formatted with: a slice error quotes the text it was about, which
/// may be a document.
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    if let Some(literal) = payload.downcast_ref::<&'static str>() {
        return literal;
    }
    let formatted = payload.downcast_ref::<String>().map_or("a panic without a message", String::as_str);
    formatted.split(VALUE_STARTS).next().unwrap_or_default()
}

#[cfg(all(test, panic = "unwind"))]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn message_of(call: impl FnOnce() + std::panic::UnwindSafe) -> String {
        panic_message(catch_unwind(call).unwrap_err().as_ref()).to_owned()
    }

    #[test]
    fn literal_messages_are_kept_as_a_whole() {
        assert_eq!(message_of(|| panic!("no attribute: none left")), "no attribute: none left");
        let absent = std::hint::black_box(None::<String>);
        assert_eq!(message_of(|| drop(absent.unwrap())), "called `Option::unwrap()` on a `None` value");
    }

    #[test]
    fn values_in_formatted_messages_are_left_out() {
        let document = String::from("sécret");
        let failed = std::hint::black_box(Err::<u8, _>("secret"));
        assert_eq!(message_of(|| _ = failed.expect("a stored revision")), "a stored revision");
        let slice = message_of(move || drop(document[..2].to_owned()));
        assert!(slice.contains("char boundary") && !slice.contains('é'), "{slice}");
        let index = [1_u8, 2].len();
        assert_eq!(message_of(move || _ = vec![0_u8][index]), "index out of bounds");
        assert_eq!(message_of(|| std::panic::panic_any(7)), "a panic without a message");
    }
}
