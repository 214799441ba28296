import { isErrorReply } from '../../transports/error-reply.js';
import { CommandError, EXIT } from '../failure.js';
import { ServerConnection, textOf, textsOf } from './server-connection.js';

/** The parts of a URL that names servers. */
export interface ServerUrl {
  readonly topology: 'single' | 'cluster' | 'sentinel';
  readonly isTls: boolean;
  /** `user:password@`, or nothing. */
  readonly login: string;
  /** The hosts with their ports. */
  readonly hosts: readonly string[];
  /** The name by which Sentinel knows the master. */
  readonly service: string;
  readonly database: string;
}

/** Takes a URL of servers apart; undefined for a file and for `memory:`. */
export function parseServerUrl(url: string): ServerUrl | undefined {
  const match = /^(redis|rediss)(?:\+(cluster|sentinel|unix))?:\/\/(?:(.*)@)?([^@/?]*)(?:\/([^?]*))?/is.exec(url);
  if (match === null) return undefined;
  const [, scheme = '', kind = '', login, hosts = '', path = ''] = match;
  const topology = kind === 'cluster' || kind === 'sentinel' ? kind : 'single';
  const [service = '', database = '0'] = topology === 'sentinel' ? path.split('/') : ['', path || '0'];
  return {
    topology,
    isTls: scheme.toLowerCase() === 'rediss',
    login: login === undefined ? '' : `${login}@`,
    hosts: hosts
      .split(',')
      .map((host) => (/:\d+$/.test(host) ? host : `${host}:${topology === 'sentinel' ? 26379 : 6379}`)),
    service: decodeURIComponent(service),
    database: kind === 'unix' ? (/[?&]db=(\d+)/.exec(url)?.[1] ?? '0') : database,
  };
}

/** Connects to the servers that accept writes: one, or each master of a cluster. The caller closes them. */
export async function connectMasters(url: string, timeout: number): Promise<ServerConnection[]> {
  const parts = parseServerUrl(url);
  if (parts === undefined) return [];
  if (parts.topology === 'single') return [new ServerConnection(url, timeout)];
  const addresses =
    parts.topology === 'cluster' ? await clusterMasters(parts, timeout) : await sentinelMaster(parts, timeout);
  const database = parts.topology === 'cluster' ? '0' : parts.database;
  return addresses.map((address) => new ServerConnection(nodeUrl(parts, address, database), timeout));
}

async function clusterMasters(parts: ServerUrl, timeout: number): Promise<string[]> {
  return askFirst(parts, timeout, async (node, host) => {
    const slots = await node.send('CLUSTER', 'SLOTS');
    if (isErrorReply(slots)) throw new CommandError(`CLUSTER SLOTS: ${slots.message}`);
    const masters = (Array.isArray(slots) ? slots : []).map((range) => textsOf(Array.isArray(range) ? range[2] : null));
    // A node that does not know its own address leaves it empty.
    return [...new Set(masters.map(([name, port]) => `${name || host.replace(/:\d+$/, '')}:${port}`))];
  });
}

async function sentinelMaster(parts: ServerUrl, timeout: number): Promise<string[]> {
  return askFirst(parts, timeout, async (sentinel) => {
    const reply = await sentinel.send('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', parts.service);
    const [host, port] = textsOf(reply);
    if (host === undefined) throw new CommandError(textOf(reply) || `Sentinel knows no master "${parts.service}"`);
    return [`${host}:${port}`];
  });
}

/** Asks the named servers one after the other, until one answers. */
export async function askFirst<T>(
  parts: ServerUrl,
  timeout: number,
  ask: (server: ServerConnection, host: string) => Promise<T>,
): Promise<T> {
  let failure: unknown = new CommandError('the URL names no server', EXIT.usage);
  for (const host of parts.hosts) {
    const server = new ServerConnection(nodeUrl(parts, host, '0'), timeout);
    try {
      return await ask(server, host);
    } catch (error) {
      failure = error;
    } finally {
      server.close();
    }
  }
  throw failure;
}

function nodeUrl({ isTls, login }: ServerUrl, address: string, database: string): string {
  // An address of version 6 comes without brackets.
  const host = /^[^[].*:.*:\d+$/.test(address) ? address.replace(/^(.*):(\d+)$/, '[$1]:$2') : address;
  return `${isTls ? 'rediss' : 'redis'}://${login}${host}/${database}`;
}
