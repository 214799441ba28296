/** Sets an own data property. A key `__proto__` becomes an ordinary property and leaves the prototype alone. */
export function setOwnProperty(target: object, key: string | number, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (target as Record<string | number, unknown>)[key] = value;
  }
}
