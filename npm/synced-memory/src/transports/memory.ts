import type { Transport } from '../transport.js';
import { InProcessServer } from './server.js';

const servers = new Map<string, InProcessServer>();

/** Documents in this JavaScript context: in the server of that name, or in one of its own. */
export function memory(name?: string): Transport {
  if (name === undefined) return new InProcessServer().client();
  let server = servers.get(name);
  if (server === undefined) {
    server = new InProcessServer();
    servers.set(name, server);
  }
  return server.client();
}
