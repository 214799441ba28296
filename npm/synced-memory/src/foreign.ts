/** What to assign instead, by what is not JSON. `it` stands for the name of the property. */
const instead: Record<string, string> = {
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

/** What a value that is not JSON is, and what to assign instead: `Date; assign due.toISOString()`. */
export function describeForeign(value: unknown, key: string | number): string {
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
  const kind = kindOf(value as object);
  if (ArrayBuffer.isView(value) && kind !== 'Buffer') return `${kind}; assign Array.from(${it})`;
  const hint = instead[kind] ?? (value instanceof Error ? instead.Error : undefined);
  if (hint !== undefined) return `${kind}; assign ${hint.replace(/\bit\b/, () => it)}`;
  if (Array.isArray(value)) return `${kind}, a subclass of Array; assign [...${it}]`;
  return `an instance of ${kind}; assign a plain object such as {...${it}}`;
}

/** The name of the class, by the built-in tag where there is one, so that objects of other realms count too. */
function kindOf(value: object): string {
  const type: unknown = (Object.getPrototypeOf(value) as { constructor?: unknown } | null)?.constructor;
  if (typeof type === 'function' && type.name !== '') return type.name;
  return Object.prototype.toString.call(value).slice(8, -1);
}
