import { SyncedMemoryError } from '../../base/errors.js';
import type { Capabilities } from '../../engine/engine.js';
import { Memory } from '../../index.js';
import { openingReason } from '../failure.js';
import { parseServerUrl } from '../server/find-servers.js';
import type { Target } from '../target.js';
import type { Check } from './check.js';

/** Which check an error of opening fails. */
const CHECK_OF_CODE: Readonly<Record<string, string>> = {
  ERR_AUTH: 'login',
  ERR_TLS: 'TLS',
  ERR_CERTIFICATE: 'TLS',
  ERR_DATABASE: 'database',
  ERR_REFUSED: 'permissions',
};

/** The outcome of opening a memory. */
export interface Opening {
  readonly checks: readonly Check[];
  /** Why no memory could be opened; undefined where one was. */
  readonly failure?: SyncedMemoryError;
}

/** Opens a memory as a program would, and reports the connection, the login, TLS, the database, and how changes arrive. */
export async function checkOpening(target: Target, timeout: number): Promise<Opening> {
  const began = performance.now();
  try {
    // Any name: the server is asked for it.
    const mem = await Memory.open({
      url: target.url,
      prefix: target.prefix,
      names: ['doctor'],
      openTimeout: timeout,
      // Whatever it is, the checks below tell.
      onError: () => {},
    });
    const elapsed = Math.round(performance.now() - began);
    await mem.$sync();
    const { capabilities } = mem.$status;
    await mem.$close();
    const reached = passed('reachable', `opened in ${elapsed} ms`);
    return { checks: [reached, ...connectionChecks(target), ...(capabilities ? changeChecks(capabilities) : [])] };
  } catch (error) {
    const failure = SyncedMemoryError.from(error);
    const name = CHECK_OF_CODE[failure.code] ?? 'reachable';
    return { checks: [{ name, state: 'failed', text: `${failure.code}: ${openingReason(failure)}` }], failure };
  }
}

function connectionChecks({ url }: Target): Check[] {
  const parts = parseServerUrl(url);
  if (parts === undefined) return [];
  const user = decodeURIComponent(parts.login.split(':')[0] ?? '') || 'default';
  const isLocal = parts.hosts.every((host) => /^(localhost|127\.|\[::1\]|:)/.test(host));
  const isPlain = !parts.isTls && !isLocal;
  return [
    passed('login', parts.login === '' ? 'the server asks for none' : `as user ${user.replace('@', '')}`),
    {
      name: 'TLS',
      state: isPlain ? 'warning' : 'ok',
      text: parts.isTls ? 'the connection is encrypted' : 'the connection is not encrypted',
      ...(isPlain && { remedy: 'write rediss: for redis: where the server has a port for TLS' }),
    },
    passed('database', parts.topology === 'cluster' ? '0, the only one of a cluster' : parts.database),
  ];
}

function changeChecks({ deltas, changes, topology }: Capabilities): Check[] {
  const ofMemories: Check = deltas
    ? passed('live updates', 'commits of other memories arrive as messages')
    : {
        name: 'live updates',
        state: topology === 'file' || topology === 'memory' ? 'ok' : 'warning',
        text: 'commits of other memories are found as other changes are',
      };
  const how = {
    broadcast: 'the server announces every write of other programs',
    tracking: 'the server announces writes to attributes that were read',
    probing: 'writes of other programs are found by a probe each second',
    none: 'writes of other programs are found by $sync() only',
  };
  const isSlow = changes === 'probing' && topology !== 'file' && topology !== 'memory';
  return [ofMemories, { name: 'other writers', state: isSlow ? 'warning' : 'ok', text: how[changes] }];
}

const passed = (name: string, text: string): Check => ({ name, state: 'ok', text });
