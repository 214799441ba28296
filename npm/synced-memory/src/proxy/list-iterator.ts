import type { ListContainer } from './list.js';

const IteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([].values()));

/** Walks a list without index traps. Like an array's iterator it sees changes made meanwhile, and ends for good. */
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
