import type { InspectedMemory } from '../inspected-memory.js';
import { SizeMeter } from './measure-size.js';

/** A snapshot that took so long, in milliseconds, is used for {@link REST} times as long. */
const SLOW_MS = 2;
const REST = 15;
/** How long a lifetime is believed, in milliseconds: others may change it without a notice. */
const LIFETIME_MS = 30_000;

interface Reading {
  readonly value: unknown;
  /** Until when it is used without a look at the memory. */
  readonly freshUntil: number;
}

interface Lifetime {
  expiresAt: number | null | undefined;
  askedAt: number;
}

/** An attribute as the page shows it. */
export type ReadAttribute = { readonly value: unknown } | { readonly error: string };

/** Reads attributes for the page, so that large ones keep the process from its work for a small part of the time only. */
export class AttributeReader {
  readonly #memory: InspectedMemory;
  readonly #onNews: () => void;
  readonly #readings = new Map<string, Reading>();
  readonly #lifetimes = new Map<string, Lifetime>();
  readonly #sizes: SizeMeter;
  /** The size that was measured last, for as long as a new one is not there. */
  readonly #lastSizes = new Map<string, number>();

  /** `onNews` is called when something that was missing or old can be read. */
  constructor(memory: InspectedMemory, onNews: () => void) {
    this.#memory = memory;
    this.#onNews = onNews;
    this.#sizes = new SizeMeter(onNews);
  }

  /** The names of all attributes in their order, with those that cannot be read. Throws ERR_NOT_LOADED. */
  names(): string[] {
    const names = Reflect.ownKeys(this.#memory).filter((key) => typeof key === 'string');
    return [...names, ...this.#memory.$status.unreadable].sort();
  }

  read(name: string): ReadAttribute {
    const now = performance.now();
    const known = this.#readings.get(name);
    if (known !== undefined && now < known.freshUntil) return known;
    this.#readings.delete(name);
    try {
      const value = this.#memory.$snapshot(name);
      const took = performance.now() - now;
      if (took > SLOW_MS) {
        this.#readings.set(name, { value, freshUntil: now + took * REST });
        setTimeout(this.#onNews, took * REST);
      }
      return { value };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  /** About the length of the attribute's JSON text, now or a moment ago; undefined while it is measured for the first time. */
  size(name: string, value: unknown): number | undefined {
    const size = this.#sizes.size(value);
    if (size === undefined) return this.#lastSizes.get(name);
    this.#lastSizes.set(name, size);
    return size;
  }

  /** When the attribute expires, as of the last answer; a new one is asked for where that is old. */
  expiresAt(name: string): number | null | undefined {
    const known = this.#lifetimes.get(name);
    const isOld = known === undefined || Date.now() - known.askedAt > LIFETIME_MS;
    if (isOld && this.#memory.$status.state === 'connected') this.#askLifetime(name, known?.expiresAt);
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
    this.#readings.delete(name);
    this.#lifetimes.delete(name);
    this.#lastSizes.delete(name);
  }
}
