import { loadModule } from '#in-process';
import type { Transport } from '../engine/transport.js';
import { inProcessTransport } from './in-process-server.js';

/** A transport to a server in this JavaScript context: the one of this name, or without a name one of its own. */
export function memory(name?: string): Transport {
  return inProcessTransport(loadModule, name);
}
