import type { Command } from '../command.js';
import type { Check, Examined } from '../doctor/check.js';
import { checkFile } from '../doctor/check-file.js';
import { checkLeftovers } from '../doctor/check-leftovers.js';
import { checkOpening } from '../doctor/check-opening.js';
import { checkPermissions } from '../doctor/check-permissions.js';
import { checkClock, checkMemoryPolicy, checkReplication, checkVersion } from '../doctor/check-server.js';
import { checkTopology } from '../doctor/check-topology.js';
import { EXIT, exitCodeOf, isConnectionError } from '../failure.js';
import { connectMasters, parseServerUrl } from '../server/find-servers.js';
import { checkFileExists, filePath, findTarget, type Target, timeoutOf } from '../target.js';
import { clearProgress, print, printable, progress, styled } from '../terminal.js';

const MARKS = { ok: '✓', warning: '!', failed: '✗', unknown: '?' } as const;
const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', unknown: 'dim' } as const;

/** Examines the server and this user's access to it. */
export const doctor: Command = {
  name: 'doctor',
  usage: '',
  arity: [0, 0],
  summary: 'examine connection, permissions and settings',
  details: [
    'Opens a memory as a program would; then looks at server and version, missing',
    'permissions (with the ACL line that gives them), replication, cluster or',
    'Sentinel, memory policy, clock, and leftover idempotency keys. Changes nothing.',
    'Exit code 0: nothing failed (warnings are possible); 1: something failed; 4: no',
    'memory could be opened.',
  ],

  async run(invocation) {
    const target = findTarget(invocation);
    const timeout = timeoutOf(invocation);
    checkFileExists(target);
    progress(`connecting to ${target.shown} …`);
    const { checks: opening, failure } = await checkOpening(target, timeout);
    const checks = [
      ...opening,
      ...(failure === undefined || !isConnectionError(failure) ? await examine(target, timeout) : []),
    ];
    clearProgress();
    if (invocation.options.json === true) {
      print(JSON.stringify({ url: target.shown, source: target.source, prefix: target.prefix, checks }));
    } else printReport(target, checks);
    if (failure !== undefined) return exitCodeOf(failure);
    return checks.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.ok;
  },
};

async function examine(target: Target, timeout: number): Promise<Check[]> {
  const file = filePath(target.url);
  if (file !== undefined) return checkFile(file);
  const url = parseServerUrl(target.url);
  if (url === undefined) return [];
  const masters = await connectMasters(target.url, timeout);
  try {
    const server = masters[0];
    if (server === undefined) return [];
    const examined: Examined = { target, url, server, masters, info: await server.info(), timeout };
    return [
      await checkVersion(examined),
      checkReplication(examined),
      ...(await checkTopology(examined)),
      checkMemoryPolicy(examined),
      await checkClock(examined),
      await checkLeftovers(examined),
      // The last, because it subscribes on the connection.
      await checkPermissions(examined),
    ];
  } finally {
    for (const server of masters) server.close();
  }
}

function printReport({ shown, source, prefix }: Target, checks: readonly Check[]): void {
  print(`${shown} (from ${source}), prefix ${prefix}`);
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, text, remedy } of checks) {
    print(`${styled(STYLES[state], MARKS[state])} ${name.padEnd(width)}  ${printable(text)}`);
    if (remedy !== undefined) print(`  ${' '.repeat(width)}  → ${printable(remedy)}`);
  }
}
