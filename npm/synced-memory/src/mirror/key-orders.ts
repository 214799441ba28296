import { setOwnProperty } from '../base/own-property.js';
import type { Edit, KeptOrder, KeyNumbers } from './edit.js';

type Dict = Record<string, unknown>;

/**
 * The order of the keys of dicts, so that a removed key can be put back into its place. The first removal from a dict that may be
 * reverted numbers its keys; from then on an edit costs the same for every size.
 */
export class KeyOrders {
  readonly #numbers = new WeakMap<object, KeyNumbers>();
  /** False until a dict was numbered, so that memories without batches and validators pay nothing. */
  #isUsed = false;
  /** Dicts into which keys were put back at the end. */
  readonly #unordered = new Set<object>();

  /** Called before an edit. Returns what {@link revert} needs, if the edit may be reverted. */
  beforeEdit(raw: object, edit: Edit, isReversible: boolean): KeptOrder {
    const isFirst = isReversible && edit[0] === 'unset';
    if (!this.#isUsed && !isFirst) return undefined;
    const numbers = this.#numbers.get(raw);
    switch (edit[0]) {
      case 'set':
        if (numbers !== undefined && !Object.hasOwn(raw, edit[1])) numbers.byKey.set(edit[1] as string, ++numbers.last);
        return undefined;
      case 'unset':
        return isReversible ? (numbers ?? this.#number(raw)).byKey.get(edit[1]) : undefined;
      case 'clear':
        this.#numbers.delete(raw);
        return numbers;
      default:
        return undefined;
    }
  }

  #number(raw: object): KeyNumbers {
    const byKey = new Map(Object.keys(raw).map((key, index) => [key, index]));
    const numbers = { byKey, last: byKey.size };
    this.#numbers.set(raw, numbers);
    this.#isUsed = true;
    return numbers;
  }

  /** Called after the values of a reverted edit were put back. */
  revert(raw: object, edit: Edit, order: KeptOrder): void {
    if (order === undefined) return;
    if (typeof order === 'object') {
      this.#numbers.set(raw, order);
    } else {
      this.#numbers.get(raw)?.byKey.set(edit[1] as string, order);
      this.#unordered.add(raw);
    }
  }

  /** Moves the keys that were put back to their places. */
  restore(): void {
    for (const raw of this.#unordered) {
      const byKey = this.#numbers.get(raw)?.byKey;
      const numberOf = (key: string) => byKey?.get(key) ?? 0;
      const keys = Object.keys(raw);
      const sorted = [...keys].sort((a, b) => numberOf(a) - numberOf(b));
      const first = sorted.findIndex((key, index) => key !== keys[index]);
      for (const key of first === -1 ? [] : sorted.slice(first)) moveToEnd(raw as Dict, key);
    }
    this.#unordered.clear();
  }
}

function moveToEnd(dict: Dict, key: string): void {
  const value = dict[key];
  delete dict[key];
  setOwnProperty(dict, key, value);
}
