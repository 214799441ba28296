import { currentMethodName, fromCaller, traceCallers } from '../base/caller-stack.js';
import { optionsError, SyncedMemoryError } from '../base/errors.js';
import { isThenable } from '../base/is-thenable.js';
import { refusedPromise } from '../base/refused-promise.js';
import type { Change } from '../changes/describe-change.js';
import type { ListenerOptions } from '../changes/event-listeners.js';
import type { EventMap } from '../changes/event-map.js';
import type { SessionFactory } from '../engine/engine.js';
import type { TransactionDraft } from '../sync/transaction-draft.js';
import { checkAttributeName } from './attribute-name.js';
import {
  checkFlushOptions,
  checkFunction,
  checkListPath,
  checkNames,
  checkNumberPath,
  checkReplicas,
  checkTimeout,
  secondsToMilliseconds,
} from './check-arguments.js';
import { checkRevision, deepFreeze, type History, type HistoryQuery, historyLimit, toHistory } from './history.js';
import type { ListedWriter } from './listed-writer.js';
import { MemoryInternals } from './memory-internals.js';
import type {
  AnyState,
  FlushOptions,
  MemoryMethods,
  Memory as MemoryOf,
  TransactionOptions,
} from './memory-methods.js';
import { createMemoryProxy } from './memory-proxy.js';
import type { ScopeOptions } from './open-options.js';
import { type ResolvedOptions, resolveScopeOptions } from './resolve-options.js';
import type { Status } from './status.js';

/** The internals of each memory, by its proxy and by the proxy's target. */
const internalsByMemory = new WeakMap<object, MemoryInternals>();

/** True for an open memory, and for a closed one. */
export function isMemory(value: unknown): value is MemoryMethods {
  return typeof value === 'object' && value !== null && internalsByMemory.has(value);
}

/** The internals of a memory. `memory` is undefined for a method that was taken off its memory: `const { $flush } = mem`. */
function internalsOf(memory: object | undefined): MemoryInternals {
  const internals = memory && internalsByMemory.get(memory);
  if (memory === undefined) {
    const method = currentMethodName() ?? '$flush';
    throw optionsError(`${method} lost its memory: call it as mem.${method}()`);
  }
  if (internals === undefined) throw optionsError('not an open memory; open one with Memory.open');
  return internals;
}

/** In blocking mode, refreshes the attribute first; without a name, all attributes. */
function refreshed(memory: object, name?: string): MemoryInternals {
  const internals = internalsOf(memory);
  internals.refreshIfBlocking(name);
  return internals;
}

/** The method that Node's `util.inspect` calls in place of its own. */
type InspectMethod = (depth: number, options: object, inspect: (value: object, options: object) => string) => string;

/** The methods without the types of a state. */
type UntypedMethods = Omit<
  MemoryMethods,
  '$batch' | '$on' | '$changes' | '$snapshot' | '$at' | '$increment' | '$shift' | '$pop' | '$scope'
>;

/** The prototype of memories. It checks arguments; {@link MemoryInternals} does the work. */
export class MemoryBase implements UntypedMethods {
  /** Throws: `new` cannot wait until the attributes are loaded. `remedy` is the call that opens a memory. */
  constructor(remedy: string) {
    const error = new SyncedMemoryError('ERR_NOT_SUPPORTED', `new opens no memory; use await ${remedy}`);
    throw fromCaller(error, new.target as never);
  }

  async $flush(options: FlushOptions = {}): Promise<void> {
    const internals = internalsOf(this);
    const { timeout, replicas = 0 } = checkFlushOptions(options);
    return checkReplicas(replicas) === 0
      ? internals.flush(checkTimeout(timeout))
      : internals.flushToReplicas(replicas, checkTimeout(timeout));
  }

  $flushSync(timeout?: number): void {
    internalsOf(this).flushSync(checkTimeout(timeout));
  }

  async $sync(): Promise<void> {
    await internalsOf(this).flush();
    await internalsOf(this).refresh();
  }

  async $load(names: readonly string[]): Promise<void> {
    await internalsOf(this).load(checkNames(names));
  }

  async $ready(): Promise<void> {
    return internalsOf(this).readiness.wait();
  }

  async $expire(name: string, seconds: number): Promise<boolean> {
    checkAttributeName(name);
    const ms = secondsToMilliseconds('seconds', seconds);
    return (await internalsOf(this).lifetime((session) => session.expire(name, ms))) !== false;
  }

  async $persist(name: string): Promise<boolean> {
    checkAttributeName(name);
    return (await internalsOf(this).lifetime((session) => session.persist(name))) !== false;
  }

  async $ttl(name: string): Promise<number | undefined> {
    checkAttributeName(name);
    const left = await internalsOf(this).lifetime((session) => session.ttl(name));
    return typeof left === 'number' ? left / 1000 : undefined;
  }

  async $writers(): Promise<ListedWriter[]> {
    return internalsOf(this).writers();
  }

  async $history(name: string, query: HistoryQuery = {}): Promise<History> {
    checkAttributeName(name);
    const limit = historyLimit(query);
    return toHistory(name, await internalsOf(this).history((session) => session.history(name, limit)), query);
  }

  async $at(name: string, revision: bigint): Promise<unknown> {
    return valueAt(internalsOf(this), name, revision);
  }

  async $restore(name: string, revision: bigint): Promise<void> {
    const internals = internalsOf(this);
    return internals.restore(name, await valueAt(internals, name, revision));
  }

  async $close(): Promise<void> {
    return internalsOf(this).close();
  }

  $on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    path?: string | readonly (string | number)[],
    options?: ListenerOptions,
  ): () => void {
    const internals = internalsOf(this);
    if (typeof path === 'string') internals.checkNoDottedPath(path);
    return internals.listeners.on(event, listener, path, options);
  }

  $changes(name?: string): AsyncIterableIterator<Change> {
    return internalsOf(this).changes(name === undefined ? undefined : checkAttributeName(name));
  }

  $snapshot(name?: string): unknown {
    const internals = internalsOf(this);
    internals.beforeRead(name);
    const { mirror } = internals;
    return name === undefined ? mirror.snapshots.of(mirror.attributes) : mirror.snapshot(name);
  }

  $batch<T>(fn: () => T): T {
    return internalsOf(this).runBatch(checkFunction('$batch', fn));
  }

  async $transaction<T>(fn: (draft: object) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T> {
    checkFunction('$transaction', fn);
    const transact = (draft: TransactionDraft) => {
      const proxy = createMemoryProxy(draft);
      // The whole draft as a result is all that it can show.
      const release = (result: T) => (Object.is(result, proxy) ? ({ ...proxy } as T) : result);
      const result = fn(proxy);
      return isThenable(result) ? result.then(release) : release(result);
    };
    return runTransaction(this, transact, options);
  }

  async $update(name: string, fn: (value: unknown) => unknown, options?: TransactionOptions): Promise<unknown> {
    checkFunction('$update', fn);
    const update = (draft: TransactionDraft) => {
      draft.beforeRead(checkAttributeName(name));
      const assign = (next: unknown) => {
        if (next !== undefined) draft.mirror.assign(name, next);
        return draft.mirror.snapshot(name);
      };
      const next = fn(draft.mirror.get(name));
      return isThenable(next) ? next.then(assign) : assign(next);
    };
    return runTransaction(this, update, options);
  }

  $increment(
    path: string | readonly [string, ...(string | number)[]],
    by: number | bigint = 1,
  ): Promise<number | bigint> {
    try {
      const [name, ...rest] = checkNumberPath(path, by);
      const internals = refreshed(this, name as string);
      if (rest.length === 0) internals.checkNoDottedPath(name);
      const result = internals.increment(checkAttributeName(name), rest, by);
      // The core reports a dropped mutation by an event.
      result.catch(() => {});
      return result;
    } catch (error) {
      return refusedPromise(error, () => internalsByMemory.get(this)?.reportIgnored(error));
    }
  }

  $shift(path: unknown): Promise<unknown> {
    return takeElement(this, 'shift', path);
  }

  $pop(path: unknown): Promise<unknown> {
    return takeElement(this, 'pop', path);
  }

  get $status(): Status {
    return internalsOf(this).status();
  }

  async $scope<S extends object = AnyState>(name: string, options?: ScopeOptions): Promise<MemoryOf<S>> {
    const parent = internalsOf(this);
    parent.checkScopable();
    const resolved = resolveScopeOptions(parent.options, name, options);
    return openMemory<S>(Object.getPrototypeOf(this), parent.sessions, resolved);
  }

  $lastModified(name: string): bigint | undefined {
    return internalsOf(this).lastModified(name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.$close();
  }

  /**
   * The method by which `console.log` shows the known attributes, and how many are unknown. Undefined once all are known.
   */
  get [Symbol.for('nodejs.util.inspect.custom')](): InspectMethod | undefined {
    const internals = internalsByMemory.get(this);
    const unknown = internals?.known.describeUnknown();
    if (internals === undefined || unknown === undefined) return undefined;
    return (depth, options, inspect) =>
      `${inspect(internals.mirror.attributes, { ...options, depth, customInspect: false })} (${unknown})`;
  }

  [Symbol.dispose](): void {
    internalsOf(this).closeSync();
  }
}

traceCallers(MemoryBase.prototype);

async function valueAt(internals: MemoryInternals, name: string, revision: bigint): Promise<unknown> {
  checkAttributeName(name);
  checkRevision(revision);
  const [value] = await internals.history((session) => session.valueAt(name, revision));
  return deepFreeze(value);
}

async function takeElement(memory: object, kind: 'shift' | 'pop', path: unknown): Promise<unknown> {
  const [name, ...rest] = checkListPath(`$${kind}`, path);
  const internals = refreshed(memory, name as string);
  if (rest.length === 0) internals.checkNoDottedPath(name);
  return internals.take(checkAttributeName(name), rest, kind);
}

async function runTransaction<T>(
  memory: object,
  fn: (draft: TransactionDraft) => T | PromiseLike<T>,
  { attempts = 100 }: TransactionOptions = {},
): Promise<T> {
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw optionsError('attempts must be a whole number above 0');
  }
  return refreshed(memory).runTransaction(fn, attempts);
}

/** Opens a memory with this prototype. See `MemoryClass.open`. */
export async function openMemory<S extends object>(
  prototype: object,
  sessions: SessionFactory,
  options: ResolvedOptions,
): Promise<MemoryOf<S>> {
  const [memory, internals] = createMemory<S>(prototype, sessions, options, false);
  await internals.open();
  return memory;
}

/** Opens a memory in blocking mode. See `MemoryClass.openSync`. */
export function openMemorySync<S extends object>(
  prototype: object,
  sessions: SessionFactory,
  options: ResolvedOptions,
): MemoryOf<S> {
  const [memory, internals] = createMemory<S>(prototype, sessions, options, true);
  internals.openSync();
  return memory;
}

function createMemory<S extends object>(
  prototype: object,
  sessions: SessionFactory,
  options: ResolvedOptions,
  isBlocking: boolean,
): [memory: MemoryOf<S>, internals: MemoryInternals] {
  const attributes = Object.create(prototype) as Record<string, unknown>;
  const internals = new MemoryInternals(sessions, options, isBlocking, attributes);
  const memory = createMemoryProxy(internals);
  internalsByMemory.set(memory, internals);
  // console.log calls methods of the target.
  internalsByMemory.set(attributes, internals);
  return [memory as MemoryOf<S>, internals];
}
