import type { ListContainer } from './list-container.js';

const IteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([].values()));

/**
 * Iterates over a list without proxy traps. As an array's iterator does, it includes elements that are added meanwhile, and
 * stays at its end once it was reached.
 */
export class ListIterator<T> implements Iterator<T> {
  declare [Symbol.iterator]: () => ListIterator<T>;
  declare readonly [Symbol.toStringTag]: string;
  #index = 0;
  #list: ListContainer | undefined;
  readonly #read: (index: number) => T;

  constructor(list: ListContainer | undefined, read: (index: number) => T) {
    this.#list = list;
    this.#read = read;
  }

  next(): IteratorResult<T> {
    if (this.#list !== undefined && this.#index < this.#list.raw.length) {
      return { value: this.#read(this.#index++), done: false };
    }
    this.#list = undefined;
    return { value: undefined, done: true };
  }
}

Object.setPrototypeOf(ListIterator.prototype, IteratorPrototype);
Object.defineProperty(ListIterator.prototype, Symbol.toStringTag, { value: 'Array Iterator', configurable: true });
