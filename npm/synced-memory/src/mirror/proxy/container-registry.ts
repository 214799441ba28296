/** Symbol under which a proxy returns its kind, `list` or `dict`. Several copies of this package agree on it. */
export const KIND: unique symbol = Symbol.for('synced-memory.kind') as never;

/** A raw container of a mirror and its proxy. */
export interface RegisteredContainer {
  readonly proxy: object;
  readonly raw: object;
}

const byProxy = new WeakMap<object, RegisteredContainer>();
const byRaw = new WeakMap<object, RegisteredContainer>();

/** Makes the container known by its proxy and by its raw value. */
export function registerContainer(container: RegisteredContainer): void {
  byProxy.set(container.proxy, container);
  byRaw.set(container.raw, container);
}

/** The registered container of a proxy; undefined for every other value. */
export function findByProxy(value: unknown): RegisteredContainer | undefined {
  return typeof value === 'object' && value !== null ? byProxy.get(value) : undefined;
}

/** The registered container of a raw value; undefined if it has no proxy yet. */
export function findByRaw(raw: object): RegisteredContainer | undefined {
  return byRaw.get(raw);
}

/** The raw container behind a proxy; any other value as it is. The result must never reach users. */
export function unwrap(value: unknown): unknown {
  return findByProxy(value)?.raw ?? value;
}

/** True if `value` is the proxy of this raw container. */
export function isProxyOf(raw: unknown, value: unknown): boolean {
  return typeof value === 'object' && value !== null && unwrap(value) === raw;
}
