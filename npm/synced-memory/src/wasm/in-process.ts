import { optionsError, SyncedMemoryError } from '../errors.js';
import type { Settings } from '../options.js';
import type { Transport } from '../transport.js';

/** The transport of `memory:` and `memory://name`, which every runtime has. Who has a server does not load it. */
export function inProcess(url: string): Promise<Transport> | undefined {
  const name = /^memory:(?:\/\/(.*))?$/i.exec(url);
  if (name === null) return undefined;
  return import('../transports/memory.js').then(
    ({ memory }) => memory(name[1] || undefined),
    (cause) => {
      const how = 'pass { transport: memory() }, of synced-memory/transports/memory';
      throw new SyncedMemoryError('ERR_OPTIONS', `nothing can be loaded late here, as in a service worker; ${how}`, {
        cause,
      });
    },
  );
}

/** Throws what to do about a URL that this build cannot open. */
export function noTransport({ url }: Settings, others: string): never {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  throw optionsError(
    `the wasm build does not open ${scheme || 'such'} URLs yet, only ${others}; pass { transport }, as synced-memory/transports/upstash makes one`,
  );
}
