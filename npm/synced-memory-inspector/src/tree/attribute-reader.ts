import type { InspectedMemory } from '../inspected-memory.js';
import type { StatusReader } from '../read-status.js';
import { type Estimate, estimate } from './estimate.js';
import { liveAttribute } from './find-value.js';
import { SizeMeter } from './measure-size.js';

/** Number of values in an attribute from which on its snapshot would take too long, some tens of milliseconds. */
const LARGE = 50_000;
/** Milliseconds after which a lifetime is read again: other processes can change it without a notice. */
const LIFETIME_MS = 30_000;

/** An attribute as the page shows it: a frozen value, or a live one where that is large; or why it cannot be read. */
export type ReadAttribute =
  | { readonly value: unknown; readonly size: number | undefined; readonly isEstimate: boolean }
  | { readonly error: string };

interface Lifetime {
  expiresAt: number | null | undefined;
  askedAt: number;
}

/** Reads attributes for the page, in little time whatever their size. */
export class AttributeReader {
  readonly #memory: InspectedMemory;
  readonly #status: StatusReader;
  readonly #onNews: () => void;
  readonly #lifetimes = new Map<string, Lifetime>();
  readonly #sizes: SizeMeter;

  /** `onNews` is called when something that was missing can be read. */
  constructor(memory: InspectedMemory, status: StatusReader, onNews: () => void) {
    this.#memory = memory;
    this.#status = status;
    this.#onNews = onNews;
    this.#sizes = new SizeMeter(onNews);
  }

  /** The names of all attributes in their order, with those that cannot be read. Throws ERR_NOT_LOADED. */
  names(): string[] {
    const names = Reflect.ownKeys(this.#memory).filter((key) => typeof key === 'string');
    return [...names, ...this.#status.read().unreadable].sort();
  }

  read(name: string): ReadAttribute {
    try {
      const live = liveAttribute(this.#memory, name);
      const about: Estimate = estimate(live);
      if (about.values > LARGE) return { value: live, size: about.size, isEstimate: true };
      const value = this.#memory.$snapshot(name);
      return { value, size: this.#sizes.size(value), isEstimate: false };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  /** When the attribute expires, as of the last answer; a new one is asked for where that is old. */
  expiresAt(name: string): number | null | undefined {
    const known = this.#lifetimes.get(name);
    const isOld = known === undefined || Date.now() - known.askedAt > LIFETIME_MS;
    if (isOld && this.#status.read().state === 'connected') this.#askLifetime(name, known?.expiresAt);
    return known?.expiresAt;
  }

  #askLifetime(name: string, previous: number | null | undefined): void {
    const lifetime: Lifetime = { expiresAt: previous, askedAt: Date.now() };
    this.#lifetimes.set(name, lifetime);
    const learn = (seconds: number | undefined) => {
      lifetime.expiresAt = seconds === undefined ? null : Date.now() + seconds * 1000;
      if (lifetime.expiresAt !== previous) this.#onNews();
    };
    this.#memory.$ttl(name).then(learn, () => {});
  }

  /** The attribute was deleted. */
  forget(name: string): void {
    this.#lifetimes.delete(name);
  }
}
