/** Number of keys from which on the list of a frozen dict's keys is kept. */
const WIDE = 500;

const wideKeys = new WeakMap<object, readonly string[]>();

/**
 * The keys of a dict, live or frozen. All own keys of a dict are data; to ask which are enumerable would make a live dict create
 * the proxies of all that it holds.
 */
export function keysOf(dict: object): readonly string[] {
  const known = wideKeys.get(dict);
  if (known !== undefined) return known;
  const keys = Reflect.ownKeys(dict) as string[];
  if (keys.length >= WIDE && Object.isFrozen(dict)) wideKeys.set(dict, keys);
  return keys;
}
