import { CommandError } from '../failure.js';
import { escapeGlob, scanKeys } from '../server/scan-keys.js';
import type { Check, Examined } from './check.js';

/** Counts the idempotency keys, which expire by themselves, and those that do not. */
export async function checkLeftovers({ masters, target: { prefix } }: Examined): Promise<Check> {
  const [keys, lasting] = [new Set<string>(), new Set<string>()];
  // The key of a document that has a hash tag of its own stands there without braces.
  const start = escapeGlob(prefix);
  const visit = async (found: readonly string[], server: (typeof masters)[number]) => {
    // A writer's id has 22 characters, or 32 in earlier versions.
    const own = found.filter((key) => /:[\w-]{22}([\w-]{10})?$/.test(key));
    const lifetimes = await server.pipeline(own.map((key) => ['PTTL', key]));
    for (const [index, key] of own.entries()) {
      keys.add(key);
      if (lifetimes[index] === -1) lasting.add(key);
    }
  };
  try {
    for (const pattern of [`sm:{${start}*`, `sm:${start}*`]) await scanKeys(masters, pattern, visit);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { name: 'leftovers', state: 'unknown', text: error.message, remedy: '+scan +pttl' };
  }
  const text = `${keys.size} idempotency keys, which expire within a day (30 with a journal)`;
  if (lasting.size === 0) return { name: 'leftovers', state: 'ok', text };
  const some = [...lasting].slice(0, 3).join(' ');
  return { name: 'leftovers', state: 'warning', text: `${text}; ${lasting.size} never expire: ${some}` };
}
