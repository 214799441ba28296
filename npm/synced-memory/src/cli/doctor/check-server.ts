import { isErrorReply } from '../../transports/error-reply.js';
import { textsOf } from '../server/server-connection.js';
import type { Check, Examined } from './check.js';

/** The clock difference in seconds above which a warning is given: revisions of new attributes begin with the time. */
const MAX_CLOCK_SECONDS = 2;

/** Names the kind and version of the server. */
export async function checkVersion({ server, info }: Examined): Promise<Check> {
  const [kind, version] = versionOf(info) ?? versionOfGreeting(textsOf(await server.send('HELLO')));
  if (kind === undefined)
    return { name: 'server', state: 'unknown', text: 'its version is not shown', remedy: '+info' };
  return { name: 'server', state: 'ok', text: `${kind} ${version}` };
}

function versionOf(info: Examined['info']): [string, string] | undefined {
  const kinds = { dragonfly_version: 'DragonflyDB', valkey_version: 'Valkey', redis_version: 'Redis' };
  for (const [field, kind] of Object.entries(kinds)) {
    const version = info?.get(field);
    if (version !== undefined) return [kind, version.replace(/^df-/, '')];
  }
  return undefined;
}

/** HELLO answers with names and values in turn. */
function versionOfGreeting(fields: readonly string[]): [string, string] | [] {
  const after = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  return fields.includes('version') ? [after('server'), after('version')] : [];
}

/** Says whether the server may evict documents or the keys of the protocol, and how full it is. */
export function checkMemoryPolicy({ info }: Examined): Check {
  const [policy, limit] = [info?.get('maxmemory_policy'), Number(info?.get('maxmemory') ?? 0)];
  if (policy === undefined)
    return { name: 'memory', state: 'unknown', text: 'the policy is not shown', remedy: '+info' };
  const size = limit === 0 ? 'no limit' : `limit ${Math.round(limit / 2 ** 20)} MiB`;
  if (policy === 'noeviction') return { name: 'memory', state: 'ok', text: `noeviction, ${size}` };
  const evicted = policy.startsWith('volatile') ? 'keys that keep a commit from being applied twice' : 'documents';
  return {
    name: 'memory',
    state: 'warning',
    text: `policy ${policy}, ${size}: a full server deletes ${evicted}`,
    remedy: 'CONFIG SET maxmemory-policy noeviction',
  };
}

/** Compares the server's clock with that of this machine. */
export async function checkClock({ server }: Examined): Promise<Check> {
  const sent = Date.now();
  const reply = await server.send('TIME');
  const received = Date.now();
  if (isErrorReply(reply)) return { name: 'clock', state: 'unknown', text: 'not shown to this user', remedy: '+time' };
  const [seconds = 0, micros = 0] = textsOf(reply).map(Number);
  const difference = (seconds * 1000 + micros / 1000 - (sent + received) / 2) / 1000;
  const isFar = Math.abs(difference) > MAX_CLOCK_SECONDS;
  const text = `the server's clock is ${Math.abs(difference).toFixed(2)} s ${difference < 0 ? 'behind' : 'ahead'}`;
  return { name: 'clock', state: isFar ? 'warning' : 'ok', text, ...(isFar && { remedy: 'synchronise both by NTP' }) };
}

/** Says whether the server accepts writes, and how many replicas it has. */
export function checkReplication({ info }: Examined): Check {
  const role = info?.get('role');
  if (role === undefined) return { name: 'replication', state: 'unknown', text: 'not shown', remedy: '+info' };
  if (role !== 'master') {
    return {
      name: 'replication',
      state: 'failed',
      text: 'the server is a replica, which accepts no writes',
      remedy: 'connect to the master',
    };
  }
  return { name: 'replication', state: 'ok', text: `master with ${info?.get('connected_slaves') ?? 0} replicas` };
}
