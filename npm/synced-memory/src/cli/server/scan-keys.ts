import { isErrorReply } from '../../transports/error-reply.js';
import { CommandError } from '../failure.js';
import { progress } from '../terminal.js';
import { type ServerConnection, textOf, textsOf } from './server-connection.js';

/** Calls `visit` with each batch of keys that match a glob pattern, and their server. A key may come twice. */
export async function scanKeys(
  servers: readonly ServerConnection[],
  pattern: string,
  visit: (keys: readonly string[], server: ServerConnection) => Promise<void> | void,
): Promise<void> {
  let count = 0;
  for (const server of servers) {
    let cursor = '0';
    do {
      const reply = await server.send('SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000');
      if (isErrorReply(reply)) throw new CommandError(`SCAN: ${reply.message}`);
      const [next, keys] = Array.isArray(reply) ? reply : [];
      const found = textsOf(keys);
      count += found.length;
      progress(`${count} keys that match ${pattern} …`);
      if (found.length > 0) await visit(found, server);
      cursor = textOf(next);
    } while (cursor !== '0');
  }
}

/** A glob pattern that matches this text and nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^]/g, '\\$&');
}
