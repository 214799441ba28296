/** A frozen plain value of type T. It lacks the methods that `SyncedList` and `SyncedDict` declare. */
export type Snapshot<T> = 0 extends 1 & T
  ? T
  : T extends readonly (infer E)[]
    ? readonly Snapshot<E>[]
    : T extends object
      ? { readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: Snapshot<T[K]> }
      : T;
