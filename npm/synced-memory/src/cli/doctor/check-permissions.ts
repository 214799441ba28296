import { isErrorReply } from '../../transports/error-reply.js';
import { textOf } from '../server/server-connection.js';
import type { Check, Examined } from './check.js';

/** A command that changes nothing, to find out whether the user may run it. */
interface Probe {
  /** The rule of an ACL that permits the command. */
  readonly rule: string;
  /** The rule that permits its key. */
  readonly keyRule: string;
  readonly command: readonly string[];
}

/** The probes. The keys do not exist, and no command of these makes one. */
function probes(prefix: string): Probe[] {
  const [document, sideKey, taggedSideKey] = [`${prefix}doctor`, `sm:{${prefix}doctor}:doctor`, `sm:${prefix}doctor`];
  const keyRules = { [document]: `~${prefix}*`, [sideKey]: `~sm:{${prefix}*`, [taggedSideKey]: `~sm:${prefix}*` };
  const probe = (rule: string, ...command: string[]): Probe => {
    return { rule, keyRule: keyRules[command[1] ?? ''] ?? '', command };
  };
  return [
    probe('+hello', 'HELLO'),
    probe('+select', 'SELECT', '0'),
    probe('+client|tracking', 'CLIENT', 'TRACKING', 'OFF'),
    probe('+evalsha', 'EVALSHA', '0'.repeat(40), '0'),
    probe('+eval', 'EVAL', 'return 1', '0'),
    probe('+get', 'GET', document),
    probe('+getrange', 'GETRANGE', document, '0', '0'),
    probe('+strlen', 'STRLEN', document),
    probe('+exists', 'EXISTS', document),
    probe('+exists', 'EXISTS', taggedSideKey),
    probe('+set', 'SET', sideKey, '', 'XX'),
    probe('+setrange', 'SETRANGE', sideKey, '0', ''),
    probe('+del', 'DEL', sideKey),
    probe('+pexpire', 'PEXPIRE', sideKey, '1000'),
    probe('+persist', 'PERSIST', sideKey),
    probe('+pttl', 'PTTL', sideKey),
    probe('+scan', 'SCAN', '0', 'MATCH', document, 'COUNT', '1'),
    probe('+wait', 'WAIT', '0', '1'),
    probe('+info', 'INFO', 'server'),
    probe('+xadd', 'XADD', sideKey, 'NOMKSTREAM', '*', 'a', ''),
    probe('+xrange', 'XRANGE', sideKey, '-', '+', 'COUNT', '1'),
    probe('+xrevrange', 'XREVRANGE', sideKey, '+', '-', 'COUNT', '1'),
    probe('+xdel', 'XDEL', sideKey, '0-1'),
    probe('+publish', 'PUBLISH', `sm:${prefix}doctor`, ''),
    probe('+subscribe', 'SUBSCRIBE', `sm:${prefix}doctor`),
    probe('+unsubscribe', 'UNSUBSCRIBE', `sm:${prefix}doctor`),
  ];
}

/** Rules that only the option `history` needs. */
const OF_HISTORIES: ReadonlySet<string> = new Set(['+xadd', '+xrange', '+xrevrange', '+xdel']);

/** Rules without which everything works, but slower or with fewer abilities. */
const OPTIONAL: ReadonlySet<string> = new Set([
  '+client|tracking',
  '+hello',
  '+subscribe',
  '+unsubscribe',
  '+publish',
  '+wait',
  '+info',
  ...OF_HISTORIES,
]);

/** Finds the permissions that the user lacks, and writes the line that gives them. */
export async function checkPermissions({ server, url, target: { prefix } }: Examined): Promise<Check> {
  const name = await server.send('ACL', 'WHOAMI');
  const fromUrl = decodeURIComponent(url.login.replace(/:.*|@$/gs, '')) || 'default';
  const user = isErrorReply(name) ? fromUrl : textOf(name);
  // A cluster has one database.
  const all = probes(prefix).filter(({ rule }) => url.topology !== 'cluster' || rule !== '+select');
  const missing = new Set<string>();
  for (const [index, reply] of (await server.pipeline(all.map(({ command }) => [...command]))).entries()) {
    const text = textOf(reply);
    if (text.startsWith('NOPERM')) missing.add(lackingRule(text, all[index] as Probe, prefix));
  }
  if (missing.size === 0) return { name: 'permissions', state: 'ok', text: `user ${user} may run every command` };
  const forHistories = [...missing].every((rule) => OF_HISTORIES.has(rule)) ? ', for the option history only' : '';
  return {
    name: 'permissions',
    state: [...missing].every((rule) => OPTIONAL.has(rule)) ? 'warning' : 'failed',
    text: `user ${user} lacks ${[...missing].join(' ')}${forHistories}`,
    remedy: `ACL SETUSER ${user} ${[...missing].join(' ')}`,
  };
}

/** The rule that is missing where the server refuses a probe with this text. */
function lackingRule(text: string, { rule, keyRule }: Probe, prefix: string): string {
  if (/channel/i.test(text)) return `&sm:${prefix}*`;
  return /\bkeys?\b/i.test(text) ? keyRule : rule;
}
