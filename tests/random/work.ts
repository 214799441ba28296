import { clear, pop, popitem, SyncedMemoryError, setdefault, update } from 'synced-memory';

/** Sample values. */
export type Any = ReturnType<typeof JSON.parse>;

const keys = ['x', 'y', 'é "q"', '__proto__', '0'];
/** Length above which mutations shorten a list. */
const LONG = 12;

/** Codes of errors that random work may cause. */
const allowed = [
  'ERR_DETACHED',
  'ERR_CONFLICT',
  'ERR_NOT_A_NUMBER',
  'ERR_NOT_FOUND',
  'ERR_NOT_LOADED',
  'ERR_OUTCOME_UNKNOWN',
  'ERR_MALFORMED',
  'ERR_SCHEMA',
  'ERR_TOO_LARGE',
];

/** Thrown to abort a batch or a transaction. */
export class Taken extends Error {}

/** Rethrows an unexpected error. */
export function allow(error: unknown): void {
  if (error instanceof Taken || (error instanceof SyncedMemoryError && allowed.includes(error.code))) return;
  throw error;
}

/** Makes random mutations of the named attributes through all methods of a memory and its Proxies. */
export class RandomWork {
  readonly #random: () => number;
  readonly #names: readonly string[];
  #count = 0;

  constructor(random: () => number, names: readonly string[]) {
    this.#random = random;
    this.#names = names;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** A random value with at most so many levels. */
  value(depth = 2): Any {
    if (depth === 0 || this.below(3) === 0) {
      const unique = ++this.#count;
      return this.pick([null, true, unique, -0.5, 12345678901234567890n, `é${unique}`, '']);
    }
    const inner = Array.from({ length: this.below(4) }, () => this.value(depth - 1));
    return this.below(2) === 0 ? inner : Object.fromEntries(inner.map((value) => [this.pick(keys), value]));
  }

  /** A random list or dict in a memory or a draft; undefined if the random path ends at a scalar. */
  container(root: Any): Any {
    let at = root[this.pick(this.#names)];
    while (this.below(3) > 0 && isContainer(at)) {
      const inner = at[this.pick(Object.keys(at))];
      if (!isContainer(inner)) break;
      at = inner;
    }
    return isContainer(at) ? at : undefined;
  }

  /** A random mutation of a memory or a draft, which may be refused. */
  mutate(root: Any): void {
    this.attempt(() => this.#mutate(root));
  }

  /** A random mutation of a list or a dict, which may be refused. */
  mutateIn(target: Any): void {
    this.attempt(() => this.#mutateIn(target));
  }

  /** Several mutations in one batch, which may be aborted. */
  batch(memory: Any): void {
    this.attempt(() =>
      memory.$batch(() => {
        for (let n = this.below(4); n >= 0; n--) this.mutate(memory);
        if (this.below(3) === 0) this.attempt(() => memory.$batch(() => this.mutate(memory)));
        if (this.below(4) === 0) throw new Taken();
      }),
    );
  }

  /** A transaction that awaits `meanwhile`, or an update. Resolves also if it is refused. */
  async transaction(memory: Any, meanwhile: () => Promise<void>): Promise<void> {
    const transaction =
      this.below(2) === 0
        ? memory.$transaction(async (draft: Any) => {
            this.mutate(draft);
            if (this.below(2) === 0) await meanwhile();
            this.mutate(draft);
            if (this.below(6) === 0) throw new Taken();
          })
        : memory.$update(this.pick(this.#names), (value: Any) => {
            if (!isContainer(value) || this.below(3) === 0) return this.value(3);
            this.mutateIn(value);
          });
    await transaction.catch(allow);
  }

  /** Increments a path that may not be a number. Resolves also if it is refused. */
  async increment(memory: Any): Promise<void> {
    const name = this.pick(this.#names);
    const path = this.pick([name, [name, 0], [name, 'n'], [name, 'x'], [name, '0', 'x']]);
    await memory.$increment(path, this.pick([1, -2, 0.5, 3n])).catch(allow);
  }

  /** Sets, removes or reads the expiry of an attribute, of at most `longest` seconds. Resolves also if it is refused. */
  async lifetime(memory: Any, longest: number): Promise<void> {
    const name = this.pick(this.#names);
    const asked = [
      () => memory.$expire(name, this.#random() * longest + 0.001),
      () => memory.$persist(name),
      () => memory.$ttl(name),
    ];
    await this.pick(asked)().catch(allow);
  }

  attempt<T>(fn: () => T): T | undefined {
    try {
      return fn();
    } catch (error) {
      allow(error);
      return undefined;
    }
  }

  #mutate(root: Any): void {
    const kind = this.below(12);
    const name = this.pick(this.#names);
    if (kind === 0) root[name] = this.value(3);
    else if (kind === 1 && this.below(3) === 0) delete root[name];
    else {
      const target = this.container(root);
      if (target === undefined) root[name] = this.pick([[], {}, 1]);
      else this.#mutateIn(target);
    }
  }

  #mutateIn(target: Any): void {
    const acts = Array.isArray(target) ? this.#listActs(target) : this.#dictActs(target);
    this.pick(acts)();
  }

  #listActs(list: Any): (() => unknown)[] {
    if (list.length > LONG) return [() => list.splice(0, LONG - 4)];
    const at = this.below(list.length + 1);
    const value = () => this.value();
    return [
      () => list.push(value(), value()),
      () => list.push(value()),
      () => list.unshift(value()),
      () => list.splice(at, this.below(3), ...[value(), value()].slice(this.below(3))),
      () => Reflect.set(list, at, value()),
      () => list.reverse(),
      () => list.sort(() => this.#random() - 0.5),
      () => Reflect.set(list, 'length', at),
      () => list.pop(),
      () => list.insert(at, value()),
      () => list.fill(value(), at),
      () => list.length > 0 && list.remove(list[this.below(list.length)]),
      () => {
        if (list.length > 1) [list[0], list[1]] = [list[1], list[0]];
      },
      () => list.length > 0 && list.push(list[this.below(list.length)]),
    ];
  }

  #dictActs(dict: Any): (() => unknown)[] {
    const key = this.pick(keys);
    const value = () => this.value();
    return [
      () => Reflect.set(dict, key, value()),
      () => Reflect.set(dict, key, value()),
      () => delete dict[key],
      () => Object.assign(dict, { x: value(), z: value() }),
      () => update(dict, { y: value(), x: undefined, w: value() }),
      () => pop(dict, key, null),
      () => setdefault(dict, key, value()),
      () => Object.keys(dict).length > 0 && popitem(dict),
      () => this.below(3) === 0 && clear(dict),
    ];
  }
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
