/** A state of any shape. */
// biome-ignore lint/suspicious/noExplicitAny: a memory without a declared type accepts everything, as JSON.parse returns it
export type AnyState = Record<string, any>;

/** Name of an attribute of a state. */
export type NameOf<S extends object> = keyof S & string;
