//! The listing of the names in a memory, page by page.

/// The cursor of the first page, and of the end.
const START: &str = "0";

/// The position of the listing. At most one page is requested at a time, unless the listing starts again.
#[derive(Debug, Default)]
pub(super) struct NameListing {
    /// The cursor of the page to request next.
    next: Option<String>,
}

impl NameListing {
    /// Starts at the first page.
    pub(super) fn start(&mut self) {
        self.next = Some(START.to_owned());
    }

    /// Goes on at the cursor that came with a page. False at the end.
    pub(super) fn go_on(&mut self, cursor: String) -> bool {
        let is_end = cursor == START;
        if !is_end {
            self.next = Some(cursor);
        }
        !is_end
    }

    pub(super) fn stop(&mut self) {
        self.next = None;
    }

    /// Whether a page is to be requested.
    pub(super) fn is_due(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the page to be requested is the first one.
    pub(super) fn is_at_start(&self) -> bool {
        self.next.as_deref() == Some(START)
    }

    /// Removes and returns the cursor of the page to request.
    pub(super) fn take_cursor(&mut self) -> Option<String> {
        self.next.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_requested_one_after_another() {
        let mut listing = NameListing::default();
        assert_eq!(listing.take_cursor(), None);
        listing.start();
        assert_eq!(listing.take_cursor().as_deref(), Some("0"));
        assert!(!listing.is_due());
        assert!(listing.go_on("17".to_owned()));
        assert_eq!(listing.take_cursor().as_deref(), Some("17"));
        assert!(!listing.go_on("0".to_owned()));
        assert!(!listing.is_due());
        listing.start();
        listing.stop();
        assert!(!listing.is_due());
    }
}
