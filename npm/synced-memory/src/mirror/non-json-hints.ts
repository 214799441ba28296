/** By class, the expression to assign instead of an instance. `it` stands for the name of the property. */
const replacements: Record<string, string> = {
  Date: 'it.toISOString()',
  Map: 'Object.fromEntries(it)',
  Set: '[...it]',
  RegExp: 'it.source',
  URL: 'it.href',
  Error: 'it.message',
  Promise: 'await it',
  Number: 'it.valueOf()',
  String: 'it.valueOf()',
  Boolean: 'it.valueOf()',
  BigInt: 'it.valueOf()',
  Buffer: "it.toString('base64')",
  ArrayBuffer: '[...new Uint8Array(it)]',
  WeakMap: 'the entries you need',
  WeakSet: 'the elements you need',
};

/** Describes a value that is not JSON, with what to assign instead: `Date; assign due.toISOString()`. */
export function describeNonJson(value: unknown, key: string | number): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined; assign null, or remove it with delete or splice';
    case 'function':
      return 'a function; assign data';
    case 'symbol':
      return 'a symbol; assign a string';
    case 'number':
      return `${value}; assign null or a string`;
  }
  const it = typeof key === 'string' && /^[\w$]+$/.test(key) ? key : 'value';
  const className = classNameOf(value as object);
  if (ArrayBuffer.isView(value) && className !== 'Buffer') return `${className}; assign Array.from(${it})`;
  const replacement = replacements[className] ?? (value instanceof Error ? replacements.Error : undefined);
  if (replacement !== undefined) return `${className}; assign ${replacement.replace(/\bit\b/, () => it)}`;
  if (Array.isArray(value)) return `${className}, a subclass of Array; assign [...${it}]`;
  return `an instance of ${className}; assign a plain object such as {...${it}}`;
}

/** Name of the object's class. Objects of other realms have the same names. */
function classNameOf(value: object): string {
  const type: unknown = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor;
  if (typeof type === 'function' && type.name !== '') return type.name;
  return Object.prototype.toString.call(value).slice(8, -1);
}
