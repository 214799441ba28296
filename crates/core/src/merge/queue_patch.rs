//! Deltas of a queue that several writers fill and take elements from, while takes of this replica are pending: each of them
//! takes another element afterwards, and the list that the host sees loses and gets the same elements as the stored one.

use crate::document::{List, Node};
use crate::mutation::{ListEnd, Mutation, Step, list_node};

/// The pending mutations of a queue.
struct PendingTakes<'a> {
    path: &'a [Step],
    end: ListEnd,
    takes: usize,
    appended: usize,
}

/// The mutations that lead a host with `value` over a delta. None unless the delta and the pending mutations only take elements
/// from the same end of one list, and append to it where that is its first one, and there are elements enough for all takes.
/// Every pending take must have taken an element.
pub(super) fn queue_patch<'a>(
    value: Option<&Node>,
    delta: &[Mutation],
    pending: impl Iterator<Item = &'a Mutation>,
) -> Option<Vec<Mutation>> {
    let PendingTakes { path, end, takes, appended } = PendingTakes::of(pending)?;
    let list: &List = list_node(value, path)?;
    let mut shown_len = list.len();
    // The length of the stored list, and the number of its elements that were there from the beginning.
    let mut len = (shown_len + takes).checked_sub(appended)?;
    let mut left = len;
    if left < takes {
        return None;
    }
    let mut mutations = Vec::with_capacity(delta.len());
    for mutation in delta.iter().filter(|mutation| mutation.path() == path) {
        match mutation {
            Mutation::Splice { index, remove, values, .. } if values.count == 0 => {
                let is_at_end = match end {
                    ListEnd::First => *index == 0,
                    ListEnd::Last => index + remove == len,
                };
                left = left.checked_sub(*remove).filter(|left| is_at_end && *left >= takes)?;
                len -= remove;
                shown_len -= remove;
                let index = if end == ListEnd::First { 0 } else { shown_len };
                mutations.push(Mutation::Splice {
                    path: path.to_vec(),
                    index,
                    remove: *remove,
                    values: values.clone(),
                });
            }
            Mutation::Append { values, .. } if end == ListEnd::First => {
                let index = shown_len - appended;
                mutations.push(Mutation::Splice { path: path.to_vec(), index, remove: 0, values: values.clone() });
                len += values.count;
                shown_len += values.count;
            }
            _ => return None,
        }
    }
    (mutations.len() == delta.len()).then_some(mutations)
}

impl<'a> PendingTakes<'a> {
    /// None where there are no takes, or other mutations.
    fn of(mut pending: impl Iterator<Item = &'a Mutation>) -> Option<Self> {
        let Mutation::Take { path, end } = pending.next()? else { return None };
        let mut found = Self { path, end: *end, takes: 1, appended: 0 };
        for mutation in pending {
            match mutation {
                Mutation::Take { path, end } if path == found.path && *end == found.end => found.takes += 1,
                Mutation::Append { path, values } if path == found.path && *end == ListEnd::First => {
                    found.appended += values.count;
                }
                _ => return None,
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_len::ByteLen;
    use crate::codec::{decode_mutations, encode_mutations};
    use crate::document::add;
    use crate::replica::effect_within;

    fn apply(value: &mut Option<Node>, mutations: &[Mutation]) {
        for mutation in mutations {
            let effect = effect_within(value.as_ref(), mutation, ByteLen(usize::MAX), add).unwrap();
            crate::mutation::apply(value, mutation, effect.values);
        }
    }

    /// The patch, which must lead from the document with our mutations to the one with both.
    fn patch(document: &str, theirs: &str, ours: &str) -> Option<String> {
        let [theirs, ours] = [theirs, ours].map(|text| decode_mutations(text).unwrap());
        let (mut shown, mut after) = (Node::parse(document).ok(), Node::parse(document).ok());
        apply(&mut shown, &ours);
        apply(&mut after, &theirs);
        apply(&mut after, &ours);
        let patch = queue_patch(shown.as_ref(), &theirs, ours.iter())?;
        apply(&mut shown, &patch);
        assert_eq!(shown.unwrap().to_text(), after.unwrap().to_text(), "{document}, {theirs:?}, {ours:?}");
        Some(encode_mutations(patch.iter()))
    }

    #[test]
    fn takes_and_appends_of_others_are_the_patch() {
        let taken = r#"[["splice","",["q"],0,1,[]]]"#;
        let ours = r#"[["shift","",["q"]]]"#;
        assert_eq!(patch(r#"{"q":[1,2,3]}"#, taken, ours).unwrap(), taken);
        let theirs = r#"[["append","",["q"],[7,8]],["splice","",["q"],0,2,[]],["append","",["q"],[9]]]"#;
        let ours = r#"[["shift","",["q"]],["append","",["q"],[5]],["shift","",["q"]]]"#;
        assert!(patch(r#"{"q":[1,2,3,4]}"#, theirs, ours).is_some());
        let popped = r#"[["splice","",[],3,1,[]],["splice","",[],1,2,[]]]"#;
        assert!(patch("[0,1,2,3]", popped, r#"[["pop","",[]]]"#).is_some());
    }

    #[test]
    fn other_mutations_are_left_to_the_transformation() {
        let shift = r#"[["shift","",[]]]"#;
        for (theirs, ours) in [
            (r#"[["splice","",[],1,1,[]]]"#, shift),
            (r#"[["splice","",[],0,1,[9]]]"#, shift),
            (r#"[["splice","",[],0,3,[]]]"#, shift),
            (r#"[["replace","",[],0,9]]"#, shift),
            (r#"[["append","",[2],[9]],["splice","",[],0,1,[]]]"#, shift),
            (r#"[["append","",[],[9]]]"#, r#"[["pop","",[]]]"#),
            (
                r#"[["append","",[],[9]]]"#,
                r#"[["shift","",[]],["append","",[],[8]],["shift","",[]],["shift","",[]],["shift","",[]]]"#,
            ),
            (r#"[["splice","",[],0,1,[]]]"#, r#"[["pop","",[]]]"#),
            (r#"[["splice","",[],0,1,[]]]"#, r#"[["shift","",[]],["pop","",[]]]"#),
            (r#"[["splice","",[],0,1,[]]]"#, r#"[["shift","",[]],["replace","",[],0,9]]"#),
            (r#"[["splice","",[],0,1,[]]]"#, r#"[["append","",[],[9]]]"#),
        ] {
            assert_eq!(patch("[1,2,[3]]", theirs, ours), None, "{theirs} {ours}");
        }
    }
}
