import { clear, pop, popitem, setdefault, update } from 'synced-memory/testing';

/** Values as they come. */
export type Any = ReturnType<typeof JSON.parse>;

export const names = ['a', 'b', 'c'] as const;
const keys = ['x', 'y', 'é "q"', '__proto__', '0'];
/** Past this many elements, work makes a list shorter. */
const LONG = 12;

/** Random mutations by all ways that a memory and its proxies have. */
export class RandomWork {
  readonly #random: () => number;
  #count = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Any value, of so many levels at most. */
  value(depth = 2): Any {
    if (depth === 0 || this.below(3) === 0) {
      const unique = ++this.#count;
      return this.pick([null, true, unique, -0.5, 12345678901234567890n, `é${unique}`, '']);
    }
    const inner = Array.from({ length: this.below(4) }, () => this.value(depth - 1));
    return this.below(2) === 0 ? inner : Object.fromEntries(inner.map((value) => [this.pick(keys), value]));
  }

  /** Any list or dict in a memory or a draft; undefined where it came upon something else. */
  container(root: Any): Any {
    let at = root[this.pick(names)];
    while (this.below(3) > 0 && isContainer(at)) {
      const inner = at[this.pick(Object.keys(at))];
      if (!isContainer(inner)) break;
      at = inner;
    }
    return isContainer(at) ? at : undefined;
  }

  /** Some mutation of a memory or a draft. */
  mutate(root: Any): void {
    const kind = this.below(12);
    const name = this.pick(names);
    if (kind === 0) root[name] = this.value(3);
    else if (kind === 1 && this.below(3) === 0) delete root[name];
    else {
      const target = this.container(root);
      if (target === undefined) root[name] = this.pick([[], {}, 1]);
      else this.mutateIn(target);
    }
  }

  /** Some mutation of a list or a dict. */
  mutateIn(target: Any): void {
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
