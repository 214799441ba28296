import { isErrorReply } from '../../transports/error-reply.js';
import { askFirst } from '../server/find-servers.js';
import { textOf, textsOf } from '../server/server-connection.js';
import type { Check, Examined } from './check.js';

/** Reports the state of a cluster or of Sentinel; nothing for a single server. */
export async function checkTopology(examined: Examined): Promise<Check[]> {
  if (examined.url.topology === 'cluster') return [await checkCluster(examined)];
  if (examined.url.topology === 'sentinel') return [await checkSentinel(examined)];
  const isNode = examined.info?.get('cluster_enabled') === '1';
  if (!isNode) return [];
  const text = 'the server is a node of a cluster, and the URL is that of a single server';
  return [{ name: 'cluster', state: 'failed', text, remedy: 'write redis+cluster: for redis:' }];
}

async function checkCluster({ server, masters }: Examined): Promise<Check> {
  const reply = await server.send('CLUSTER', 'INFO');
  if (isErrorReply(reply)) return { name: 'cluster', state: 'unknown', text: reply.message, remedy: '+cluster|info' };
  const field = (name: string) => new RegExp(`^${name}:(\\w+)`, 'm').exec(textOf(reply))?.[1] ?? '?';
  const [state, slots] = [field('cluster_state'), field('cluster_slots_ok')];
  const isWhole = state === 'ok' && slots === '16384';
  const text = `state ${state}, ${slots} of 16384 slots are served, by ${masters.length} masters`;
  return { name: 'cluster', state: isWhole ? 'ok' : 'failed', text };
}

async function checkSentinel({ url, timeout }: Examined): Promise<Check> {
  return askFirst(url, timeout, async (sentinel) => {
    const fields = textsOf(await sentinel.send('SENTINEL', 'MASTER', url.service));
    const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '?';
    const flags = field('flags');
    const sentinels = Number(field('num-other-sentinels')) + 1;
    const quorum = textOf(await sentinel.send('SENTINEL', 'CKQUORUM', url.service));
    const isSound = flags === 'master' && quorum.startsWith('OK');
    const text = `${url.service}: ${flags}, ${field('num-slaves')} replicas, ${sentinels} sentinels; ${quorum}`;
    return { name: 'Sentinel', state: isSound ? 'ok' : 'warning', text };
  });
}
