import type { NameOf } from '../base/any-state.js';

/** A key of a dict or an index of a list. */
type Key = string | number;

/** The path of a value in a state: an attribute's name, or an array that begins with one. */
export type StatePath<S extends object> = NameOf<S> | readonly [NameOf<S>, ...Key[]];

/** The name of the attribute that a path begins with. */
export type PathName<S extends object, P> = P extends readonly [infer N, ...unknown[]]
  ? N & NameOf<S>
  : P extends NameOf<S>
    ? P
    : NameOf<S>;

/** The type of what is at a path of keys and indexes in a T; never where the declared type has no such key, unknown where none is given. */
type ValueIn<T, P extends readonly unknown[]> = 0 extends 1 & T
  ? T
  : P extends readonly []
    ? T
    : P extends readonly [infer K, ...infer Rest]
      ? ValueIn<Step<NonNullable<T>, K>, Rest>
      : unknown;

/** The type of what a T has under a key, or an index. */
type Step<T, K> = unknown extends T
  ? T
  : T extends readonly (infer E)[]
    ? K extends number | `${number}`
      ? E
      : string extends K
        ? E
        : never
    : T extends object
      ? K extends keyof T
        ? T[K]
        : `${K & Key}` extends keyof T
          ? T[`${K & Key}`]
          : string extends K
            ? unknown
            : never
      : never;

/** The type of what is at a path of a state. */
export type ValueAt<S extends object, P> = P extends readonly [infer N extends keyof S, ...infer Rest]
  ? ValueIn<S[N], Rest>
  : P extends keyof S
    ? S[P]
    : unknown;

/** True for `any` and `unknown`, of which nothing is declared. */
type IsUndeclared<T> = unknown extends T ? true : false;

/** P if the state declares something there; else a text that says so. */
export type ExistingPath<S extends object, P> = [ValueAt<S, P>] extends [never] ? NoPath : P;

/** P if it may lead to a number; else a text that says so. */
export type NumberPath<S extends object, P = StatePath<S>> = PathOf<P, ValueAt<S, P>, number | bigint, 'number'>;

/** P if it may lead to a list; else a text that says so. */
export type ListPath<S extends object, P = StatePath<S>> = PathOf<P, ValueAt<S, P>, readonly unknown[], 'list'>;

type PathOf<P, V, Wanted, Name extends string> =
  IsUndeclared<V> extends true
    ? P
    : [V] extends [never]
      ? NoPath
      : [Extract<V, Wanted>] extends [never]
        ? `the state declares no ${Name} at this path`
        : P;

type NoPath = 'the state declares nothing at this path';

/** Type of the elements of a list; unknown for another type. */
export type ElementOf<T> = 0 extends 1 & T ? T : T extends readonly (infer E)[] ? E : unknown;
