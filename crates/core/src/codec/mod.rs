//! Mutations as text, both directions. Replicas exchange them in delta messages, hosts submit them in batches.
//!
//! The text of a mutation is a JSON array of its kind, the name of its attribute, and what the kind needs:
//!
//! | text | the mutation |
//! | --- | --- |
//! | `["assign",name,value]` | gives the attribute a whole new value |
//! | `["create",name,value]` | gives the attribute a value if it has none |
//! | `["delete",name]` | deletes the attribute |
//! | `["set",name,path,key,value]` | gives a key of a dict a value |
//! | `["unset",name,path,key]` | removes a key from a dict |
//! | `["clear",name,path]` | empties a dict |
//! | `["replace",name,path,index,value]` | gives an element of a list a new value |
//! | `["append",name,path,[value,…]]` | adds values at the end of a list |
//! | `["splice",name,path,index,count,[value,…]]` | removes `count` elements of a list at `index` and inserts values there |
//! | `["permute",name,path,[index,…]]` | reorders a list: element `i` becomes the one at the `i`-th index |
//! | `["shift",name,path]` | removes the first element of a list, whichever that is by then |
//! | `["pop",name,path]` | removes the last element of a list, whichever that is by then |
//! | `["increment",name,path,by]` | adds to a number |
//!
//! A path is an array of keys (strings) and indexes (integers) that leads from the attribute's value to the container
//! that changes, and in an increment to the number. Where the attribute is known otherwise, as in a delta message, the
//! name is empty.

mod decode_mutations;
mod encode_mutations;

pub use decode_mutations::decode_mutations;
pub(crate) use decode_mutations::{NamedMutation, from_text, read_element, read_mutation};
pub use encode_mutations::encode_mutations;
pub(crate) use encode_mutations::{encode_mutation, encode_path, mutation_kind};
