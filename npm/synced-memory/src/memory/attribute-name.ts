import { syncedError } from '../base/errors.js';

/** True if an attribute can have this name. Names that begin with `$` or `_`, and names with a colon, are reserved. */
export function isAttributeName(name: string): boolean {
  return name !== '' && name[0] !== '$' && name[0] !== '_' && !name.includes(':');
}

/** Returns the name. Throws ERR_RESERVED_NAME if an attribute cannot have it. */
export function checkAttributeName(name: unknown): string {
  if (typeof name === 'string' && isAttributeName(name) && isWellFormed(name)) return name;
  throw syncedError('ERR_RESERVED_NAME', '', String(name));
}

/** True if the text can be encoded as UTF-8: every surrogate is part of a pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
