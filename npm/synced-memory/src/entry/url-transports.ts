import { optionsError, SyncedMemoryError } from '../base/errors.js';
import type { Transport } from '../engine/transport.js';

/** The transport of `memory:` and `memory://name`, which is loaded with the first such URL; undefined for other URLs. */
export function memoryTransport(url: string): Promise<Transport> | undefined {
  const match = /^memory:(?:\/\/(.*))?$/i.exec(url);
  if (match === null) return undefined;
  if (URL.canParse(url)) checkParameters(new URL(url));
  return import('#memory').then(
    ({ memory }) => memory(match[1] || undefined),
    (cause) => {
      throw new SyncedMemoryError(
        'ERR_OPTIONS',
        'this runtime loads no modules late, as in a service worker; pass { transport: memory() }, of synced-memory/transports/memory',
        { cause },
      );
    },
  );
}

/**
 * Throws ERR_OPTIONS if the URL has a #fragment, or a parameter that is not in `known`: nothing would read it. No message repeats
 * it, because it may be the end of a password.
 */
export function checkParameters({ searchParams, hash }: URL, known: readonly string[] = []): void {
  if (hash !== '') throw optionsError('the URL takes no #fragment: write # in a password as %23');
  if ([...searchParams.keys()].every((name) => known.includes(name))) return;
  throw optionsError(
    'the URL has parameters after ? that nothing reads: pass settings as options of open, and write ? in a password as %3F',
  );
}

/** Throws the error of a URL that this build cannot open. */
export function unsupportedUrl(url: string, supported: string): never {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  throw optionsError(
    `the wasm build does not open ${scheme || 'such'} URLs yet, only ${supported}; pass { transport }, as synced-memory/transports/upstash makes one`,
  );
}
