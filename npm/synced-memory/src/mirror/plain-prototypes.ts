/** True for Object.prototype of any realm, and for null. */
export function isObjectPrototype(prototype: object | null): boolean {
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** True for Array.prototype of any realm: the only array whose prototype is an Object.prototype. */
export function isArrayPrototype(prototype: unknown): boolean {
  return (
    prototype === Array.prototype || (Array.isArray(prototype) && isObjectPrototype(Object.getPrototypeOf(prototype)))
  );
}
