import { onTestFailed } from 'vitest';
import { print } from './checks.js';
import type { Any } from './work.js';

/** The waits of the current test. If it fails, those that have not ended are printed with the status of its memories. */
export class NamedWaits {
  readonly #names = new Set<{ name: string }>();

  /** `memories` are those of the test, which numbers them by their order. */
  constructor(memories: () => readonly Any[]) {
    onTestFailed(() => {
      if (this.#names.size === 0) return;
      const names = [...this.#names].map(({ name }) => name);
      const statuses = memories().map((memory, n) => `  memory ${n}: ${print(memory.$status)}`);
      console.error([`still waiting for: ${names.join(', ')}`, ...statuses].join('\n'));
    });
  }

  /** Settles as the promise does. */
  async add<T>(name: string, promise: Promise<T>): Promise<T> {
    const wait = { name };
    this.#names.add(wait);
    try {
      return await promise;
    } finally {
      this.#names.delete(wait);
    }
  }
}
