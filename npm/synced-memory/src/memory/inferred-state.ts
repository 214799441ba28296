import type { AnyState } from '../base/any-state.js';
import type { OpenOptions, ScopeOptions } from './open-options.js';
import type { Schemas, StateOf } from './schema.js';
import type { Storable } from './storable.js';

/** Options of `open` that tell the shape of the state by their defaults D, validators T and names N. */
export type InferringOptions<D extends object, T extends Schemas, N extends string> = WithoutState<OpenOptions> &
  StateSources<D, T, N>;

/** Options of `$scope` that tell the shape of the state by their defaults D, validators T and names N. */
export type InferringScopeOptions<D extends object, T extends Schemas, N extends string> = WithoutState<ScopeOptions> &
  StateSources<D, T, N>;

type WithoutState<Options> = Omit<Options, 'names' | 'defaults' | 'schema'>;

interface StateSources<D extends object, T extends Schemas, N extends string> {
  /**
   * Names of the attributes to load; those of `defaults` are loaded, too. Reading another one throws ERR_NOT_LOADED until
   * `$load([name])`. Default: all that exist; in a scope, those of `defaults`.
   */
  names?: readonly N[];
  /** Attributes to create if they are absent, by name. The server decides, so processes that start together agree. */
  defaults?: D & Storable<D>;
  /**
   * Validators by attribute, which implement Standard Schema (zod, valibot, arktype). A mutation with an invalid result throws
   * ERR_SCHEMA and changes nothing. An invalid value that another writer stored raises an `error` event, and can be read. Each
   * mutation costs a validation of the whole attribute.
   */
  schema?: T | undefined;
}

/**
 * The state that defaults D, validators T and names N describe. The validator of an attribute tells more than its default; without a
 * default, the attribute may be absent. Without defaults and validators, the state has any shape.
 */
export type InferredState<D extends object, T extends Schemas, N extends string> = string extends keyof T
  ? keyof D extends never
    ? AnyState
    : Widened<D> & Untyped<Exclude<N, keyof D>, N>
  : keyof D extends never
    ? Partial<StateOf<T>> & Untyped<Exclude<N, keyof T>, N>
    : Omit<Widened<D>, keyof T> &
        Pick<StateOf<T>, keyof T & keyof D> &
        Partial<Omit<StateOf<T>, keyof D>> &
        Untyped<Exclude<N, keyof D | keyof T>, N>;

/** Attributes of any type, of which only the names K are known. Nothing where the names N are not literals. */
type Untyped<K extends string, N extends string> = string extends N ? unknown : { [Name in K]: AnyState[string] };

/** The types of the attributes that have these defaults. */
type Widened<T> = { -readonly [K in keyof T]: WidenedValue<T[K]> };

/** The type of what has this default. An empty list, an empty dict and null say nothing of what they are going to hold. */
type WidenedValue<T> = 0 extends 1 & T
  ? T
  : [T] extends [null | undefined]
    ? AnyState[string]
    : T extends readonly (infer E)[]
      ? [E] extends [never]
        ? AnyState[string][]
        : T
      : T extends object
        ? keyof T extends never
          ? AnyState
          : Widened<T>
        : T;
