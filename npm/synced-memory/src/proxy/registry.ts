import type { Container } from './handler.js';

/** The key under which a proxy says what it is; agreed between copies of this package. */
export const BRAND: unique symbol = Symbol.for('synced-memory.kind') as never;

/** Proxies and the raw mirror containers, each to what is known about the container. */
const byProxy = new WeakMap<object, Container>();
const byRaw = new WeakMap<object, Container>();

export function register(container: Container): void {
  byProxy.set(container.proxy, container);
  byRaw.set(container.raw, container);
}

/** What is behind a proxy of this package, else undefined. */
export function containerOf(value: unknown): Container | undefined {
  return typeof value === 'object' && value !== null ? byProxy.get(value) : undefined;
}

/** What is known about a raw mirror container, where a proxy of it was ever handed out. */
export function containerAround(raw: object): Container | undefined {
  return byRaw.get(raw);
}

/** The raw mirror container behind a proxy; anything else as it is. Never hand the result to users. */
export function unwrap(value: unknown): unknown {
  return containerOf(value)?.raw ?? value;
}

/** Is `value` the proxy of this very container of the mirror? */
export function isProxyOf(raw: unknown, value: unknown): boolean {
  return typeof value === 'object' && value !== null && unwrap(value) === raw;
}
