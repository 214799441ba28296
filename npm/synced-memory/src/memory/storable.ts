import type { SyncedDict, SyncedList } from './synced-collections.js';

/** Values that are JSON as they are, and integers of any size. */
type Scalar = string | number | boolean | bigint | null | undefined;

/** The name, with its article, of the class that T is an instance of, if it is one that is no JSON; else never. */
type ClassName<T> = T extends Date
  ? 'a Date'
  : T extends ReadonlyMap<never, unknown> | WeakMap<never, unknown>
    ? 'a Map'
    : T extends ReadonlySet<unknown> | WeakSet<never>
      ? 'a Set'
      : T extends RegExp
        ? 'a RegExp'
        : T extends PromiseLike<unknown>
          ? 'a Promise'
          : T extends ArrayBuffer | ArrayBufferView
            ? 'a buffer'
            : never;

declare const reason: unique symbol;

/** The type of an error: nothing can be assigned to it. The compiler prints the text. */
interface NotStorable<Text extends string> {
  readonly [reason]: Text;
}

/** The text of an error: what is at the path P, and what to do. */
type Remedy<
  P extends string | number,
  What extends string,
> = `${P}: ${What} cannot be stored; use Json<S> as the state`;

/**
 * The constraint of a state S: S itself if a memory can store it; else a type that S is not assignable to, whose text names the path of a
 * value that is no JSON, to a depth of 8.
 */
export type Storable<S> = {
  [K in keyof S]: K extends '' | `$${string}` | `_${string}` | `${string}:${string}`
    ? NotStorable<`${K}: not the name of an attribute, which does not begin with $ or _ and has no colon`>
    : StorableValue<S[K], K & (string | number), 1>;
};

/** The depths, each with the next one. */
type Next = [1, 2, 3, 4, 5, 6, 7, 8, never];

/** T if it can be stored, or an error's type about what cannot. P is the path of the value, D its depth. */
type StorableValue<T, P extends string | number, D extends number> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? T
    : [D] extends [never]
      ? T
      : T extends Scalar
        ? T
        : T extends readonly (infer E)[]
          ? { readonly [index: number]: StorableValue<E, `${P}[]`, Next[D]> }
          : T extends { asDict(): infer Dict; popitem(): unknown }
            ? StorableDict<Dict, P, D>
            : T extends (...args: never[]) => unknown
              ? NotStorable<Remedy<P, 'a function'>>
              : T extends symbol
                ? NotStorable<Remedy<P, 'a symbol'>>
                : [ClassName<T>] extends [never]
                  ? StorableDict<T, P, D>
                  : NotStorable<Remedy<P, ClassName<T>>>;

type StorableDict<T, P extends string | number, D extends number> = {
  [K in keyof T]: StorableValue<T[K], `${P}.${K & (string | number)}`, Next[D]>;
};

/**
 * The type of what a memory stores of a T: functions and symbols are left out, a Date is its text, a Map is a dict, a Set is a list. It takes
 * interfaces, recursive types, bigint, `SyncedList` and `SyncedDict`.
 */
export type Json<T> = 0 extends 1 & T
  ? T
  : unknown extends T
    ? T
    : T extends Scalar
      ? T
      : T extends SyncedList<infer E>
        ? SyncedList<Json<E>>
        : T extends readonly unknown[]
          ? { [K in keyof T]: Json<T[K]> }
          : T extends { asDict(): infer Dict extends object; popitem(): unknown }
            ? SyncedDict<JsonDict<Dict>>
            : T extends Date | RegExp
              ? string
              : T extends ReadonlyMap<infer K, infer V>
                ? Record<K & string, Json<V>>
                : T extends ReadonlySet<infer E>
                  ? Json<E>[]
                  : T extends ArrayBufferView
                    ? number[]
                    : T extends object
                      ? JsonDict<T>
                      : never;

/** The keys of T that can be stored. */
type JsonDict<T> = {
  [K in keyof T as K extends `$${string}` | symbol ? never : IsData<T[K]> extends true ? K : never]: Json<T[K]>;
};

/** True unless T has only functions and symbols. */
type IsData<T> = [T] extends [((...args: never[]) => unknown) | symbol | undefined]
  ? [T] extends [undefined]
    ? true
    : false
  : true;
