import type { Binding } from './binding.js';
import type { Change } from './change.js';
import type { Draft } from './draft.js';
import { optionsError } from './errors.js';
import type { EventMap } from './events.js';
import { checkReplicas, checkTimeout, milliseconds, type ScopeOptions, type Settings, settleScope } from './options.js';
import { checkName, memoryOf } from './proxy/memory.js';
import type { Status } from './status.js';
import { Store } from './store.js';
import { isThenable, transact } from './transaction.js';
import type { AnyState, FlushOptions, MemoryMethods, Memory as MemoryOf, TransactionOptions } from './types.js';

/** Each memory's store, by its proxy. */
const stores = new WeakMap<object, Store>();

/** Is it an open memory, or was it one? */
export function isMemory(value: unknown): value is MemoryMethods {
  return typeof value === 'object' && value !== null && stores.has(value);
}

function storeOf(memory: object): Store {
  const store = stores.get(memory);
  if (store === undefined) throw optionsError('a memory is made by Memory.open, not by new');
  return store;
}

/** The methods as they are without a state's types. */
type Untyped = Omit<MemoryMethods, '$snapshot'>;

/** The prototype of memories: what every memory has beside its attributes. */
export class MemoryBase implements Untyped {
  $flush({ timeout, replicas = 0 }: FlushOptions = {}): Promise<void> {
    const store = storeOf(this);
    return checkReplicas(replicas) === 0
      ? store.flush(checkTimeout(timeout))
      : store.flushTo(replicas, checkTimeout(timeout));
  }

  $flushSync(timeout?: number): void {
    storeOf(this).flushSync(checkTimeout(timeout));
  }

  async $sync(): Promise<void> {
    await storeOf(this).flush();
    await storeOf(this).refresh();
  }

  async $load(names: readonly string[]): Promise<void> {
    for (const name of names) checkName(name);
    await storeOf(this).refresh(names);
  }

  async $expire(name: string, seconds: number): Promise<boolean> {
    checkName(name);
    const ms = milliseconds('seconds', seconds);
    return (await storeOf(this).lifetime((binding, handle) => binding.expire(handle, name, ms))) !== false;
  }

  async $persist(name: string): Promise<boolean> {
    checkName(name);
    return (await storeOf(this).lifetime((binding, handle) => binding.persist(handle, name))) !== false;
  }

  async $ttl(name: string): Promise<number | undefined> {
    checkName(name);
    const left = await storeOf(this).lifetime((binding, handle) => binding.ttl(handle, name));
    return typeof left === 'number' ? left / 1000 : undefined;
  }

  $close(): Promise<void> {
    return storeOf(this).shutDown();
  }

  $on<E extends keyof EventMap>(
    event: E,
    listener: (payload: EventMap[E]) => void,
    place?: string | readonly (string | number)[],
  ): () => void {
    return storeOf(this).events.on(event, listener, place);
  }

  $changes(name?: string): AsyncIterableIterator<Change> {
    return storeOf(this).changes(name === undefined ? undefined : checkName(name));
  }

  $snapshot(name?: string): unknown {
    const { mirror } = reading(storeOf(this), name);
    return name === undefined ? mirror.snapshots.of(mirror.attributes) : mirror.snapshot(name);
  }

  $batch<T>(fn: () => T): T {
    return storeOf(this).runBatch(checkFunction('$batch', fn));
  }

  $transaction<T>(fn: (draft: object) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T> {
    checkFunction('$transaction', fn);
    return transactOn(this, (draft) => fn(memoryOf(draft)), options);
  }

  $update(name: string, fn: (value: unknown) => unknown, options?: TransactionOptions): Promise<unknown> {
    const update = (draft: Draft) => {
      draft.beforeRead(checkName(name));
      const assign = (next: unknown) => {
        if (next !== undefined) draft.mirror.assign(name, next);
        return draft.mirror.snapshot(name);
      };
      const next = fn(draft.mirror.get(name));
      return isThenable(next) ? next.then(assign) : assign(next);
    };
    checkFunction('$update', fn);
    return transactOn(this, update, options);
  }

  $increment(
    path: string | readonly [string, ...(string | number)[]],
    by: number | bigint = 1,
  ): Promise<number | bigint> {
    const counted = (async () => {
      const keys: readonly unknown[] = typeof path === 'string' ? [path] : path;
      if ((typeof by !== 'number' && typeof by !== 'bigint') || !Array.isArray(keys) || !keys.every(isKey)) {
        throw optionsError('$increment takes a path, of strings and numbers, and a number');
      }
      const [name, ...rest] = keys;
      return reading(storeOf(this), name).increment(checkName(name), rest, by);
    })();
    // Who does not wait for it learns of a refusal by an event.
    counted.catch(() => {});
    return counted;
  }

  get $status(): Status {
    return storeOf(this).status();
  }

  async $scope<S extends object = AnyState>(name: string, options?: ScopeOptions): Promise<MemoryOf<S>> {
    const store = storeOf(this);
    const parent = store.parent();
    const settings = settleScope(parent.settings, name, options);
    return opened(create<S>(Object.getPrototypeOf(this), settings, parent.binding, false, store));
  }

  $lastModified(name: string): bigint | undefined {
    return storeOf(this).lastModified(name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.$close();
  }

  [Symbol.dispose](): void {
    storeOf(this).shutDownSync();
  }
}

/** The store, with what the server has now in blocking mode. */
function reading(store: Store, name?: string): Store {
  store.beforeRead(name);
  return store;
}

async function transactOn<T>(
  memory: object,
  fn: (draft: Draft) => T | PromiseLike<T>,
  { attempts = 100 }: TransactionOptions = {},
): Promise<T> {
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw optionsError('attempts must be a whole number above 0');
  }
  return transact(reading(storeOf(memory)), fn, attempts);
}

function checkFunction<F>(method: string, fn: F): F {
  if (typeof fn === 'function') return fn;
  throw optionsError(`${method} takes a function`);
}

/** A memory that has not heard of its server yet. */
export function create<S extends object>(
  prototype: object,
  settings: Settings,
  binding: Binding,
  blocking: boolean,
  beside?: Store,
): MemoryOf<S> {
  if (settings.names !== undefined && !Array.isArray(settings.names)) {
    throw optionsError('names must be an array of attribute names');
  }
  settings.names?.forEach(checkName);
  const attributes = Object.create(prototype) as Record<string, unknown>;
  const store = new Store(binding, settings, blocking, attributes, beside);
  const memory = memoryOf(store);
  stores.set(memory, store);
  // console.log looks at the target.
  stores.set(attributes, store);
  return memory as MemoryOf<S>;
}

export async function opened<M extends object>(memory: M): Promise<M> {
  await storeOf(memory).opened();
  return memory;
}

export function openedSync<M extends object>(memory: M): M {
  storeOf(memory).openedSync();
  return memory;
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' || typeof key === 'number';
}
