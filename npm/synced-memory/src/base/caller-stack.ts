// The stack of an error begins at the line of the user's program, not inside this package.

/** A function of any signature. */
export type Callable = (...args: never[]) => unknown;
type AsyncCallable = (...args: never[]) => Promise<unknown>;

/** The public method that is running, up to its first `await`. */
let currentMethod: Callable | undefined;

/** Errors that have not yet left this package, with the public method in whose first part they were made. */
const newErrors = new WeakMap<object, Callable | undefined>();

/** The name of the public method that is running; undefined where there is none. */
export function currentMethodName(): string | undefined {
  return currentMethod?.name;
}

/** Lets the stack of a new error begin at the caller of the public method that is running, or else of the entry that it goes through. */
export function traceNewError(error: object): void {
  newErrors.set(error, currentMethod);
  if (currentMethod !== undefined) Error.captureStackTrace?.(error, currentMethod);
}

/**
 * Lets the stack of an error begin at the caller of `entry`, which is on the stack, and returns the error. An error of another
 * package, or one that has been through an inner entry, keeps its stack.
 */
export function fromCaller(error: unknown, entry: Callable): unknown {
  if (newErrors.delete(error as object)) Error.captureStackTrace?.(error as object, entry);
  return error;
}

/** Replaces those methods that have the names, or all that begin with `$`, by ones whose errors begin at their callers. */
export function traceCallers(holder: object, names?: readonly string[]): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
    const method = descriptor.value as Callable | undefined;
    if (method === undefined || !(names?.includes(name) ?? name[0] === '$')) continue;
    const isAsync = method.constructor.name === 'AsyncFunction';
    const value = isAsync ? wrapAsyncMethod(name, method as AsyncCallable) : wrapMethod(name, method);
    Object.defineProperty(holder, name, { ...descriptor, value });
  }
}

function wrapMethod(name: string, method: Callable): Callable {
  const entry = {
    [name](this: unknown, ...args: never[]): unknown {
      try {
        return run(entry, method, this, args);
      } catch (error) {
        throw fromCaller(error, entry);
      }
    },
  }[name] as Callable;
  return entry;
}

function wrapAsyncMethod(name: string, method: AsyncCallable): AsyncCallable {
  const entry = {
    async [name](this: unknown, ...args: never[]): Promise<unknown> {
      try {
        return await run(entry, method, this, args);
      } catch (error) {
        if (newErrors.get(error as object) === entry) newErrors.delete(error as object);
        else if (newErrors.has(error as object)) captureAwaiting(error as Error, entry);
        throw error;
      }
    },
  }[name] as AsyncCallable;
  return entry;
}

/**
 * Lets the stack of a new error begin where an async function awaits the promise of `entry`. The engine names no other caller: without
 * one, the stack stays.
 */
function captureAwaiting(error: Error, entry: Callable): void {
  const { stack = '' } = error;
  fromCaller(error, entry);
  const callers = error.stack?.replaceAll(/\n {4}at [^\n]*\(node:internal[^\n]*/g, '') ?? '';
  error.stack = callers.includes('\n    at ') ? callers : stack;
}

/** Calls a method, of which `entry` is the public one. */
function run<T>(entry: Callable, method: (...args: never[]) => T, self: unknown, args: never[]): T {
  const outer = currentMethod;
  currentMethod = entry;
  try {
    return method.apply(self, args);
  } finally {
    currentMethod = outer;
  }
}
