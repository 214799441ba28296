import { statSync } from 'node:fs';
import type { Command, Invocation } from '../command.js';
import { usageError } from '../failure.js';
import { printCompact } from '../json-printer.js';
import { formatPath } from '../path-syntax.js';
import { connectMasters, parseServerUrl } from '../server/find-servers.js';
import { escapeGlob, scanKeys } from '../server/scan-keys.js';
import { filePath, findTarget, keyPrefix, type Target, timeoutOf } from '../target.js';
import { clearProgress, print, printable } from '../terminal.js';
import { sayTarget, withMemory } from '../with-memory.js';

/** The sizes of keys, in bytes. */
type Sizes = Map<string, number>;

/** The sizes of everything that a memory stores. */
interface StoredSizes {
  /** The attributes of this memory. */
  readonly documents: Sizes;
  /** The attributes of its scopes; undefined where they cannot be seen. */
  readonly scopes?: Sizes;
  /** The side keys; undefined where they cannot be seen. */
  readonly sideKeys?: Sizes;
  readonly fileBytes?: number;
}

/** Shows how much a memory stores. */
export const size: Command = {
  name: 'size',
  usage: '',
  arity: [0, 0],
  summary: 'count documents and side keys, and name the largest',
  options: { top: { type: 'string', value: 'N', summary: 'the number of largest documents to list (10)' } },
  details: [
    'On a server, the stored texts are measured without reading them: documents,',
    'those of scopes, and side keys (names and values; histories by MEMORY USAGE). In',
    'a file, documents are measured as JSON text. docs/side-keys.md says what side',
    'keys are.',
  ],

  async run(invocation) {
    const most = Number(invocation.options.top ?? 10);
    if (!(most >= 0)) throw usageError(`--top ${invocation.options.top}: write a number`);
    const target = findTarget(invocation);
    const sized = await (parseServerUrl(target.url) === undefined
      ? measureMemory(invocation)
      : measureServer(invocation, target));
    clearProgress();
    report(sized, most, invocation.options.json === true);
    return undefined;
  },
};

async function measureMemory(invocation: Invocation): Promise<StoredSizes> {
  return withMemory(invocation, {}, async ({ mem, target }) => {
    const documents: Sizes = new Map();
    for (const [name, value] of Object.entries(mem.$snapshot())) {
      const text = printCompact(value, [name], String);
      documents.set(formatPath([name]), Buffer.byteLength(text));
    }
    const file = filePath(target.url);
    return { documents, ...(file !== undefined && { fileBytes: statSync(file).size }) };
  });
}

async function measureServer(invocation: Invocation, target: Target): Promise<StoredSizes> {
  sayTarget(invocation, target);
  const prefix = keyPrefix(target);
  const [documents, scopes, sideKeys]: Sizes[] = [new Map(), new Map(), new Map()];
  const masters = await connectMasters(target.url, timeoutOf(invocation));
  const measure = (pattern: string, add: (key: string, bytes: number) => void) =>
    scanKeys(masters, pattern, async (keys, server) => {
      const lengths = await server.pipeline(keys.map(lengthCommand));
      for (const [index, key] of keys.entries()) add(key, Number(lengths[index]) || 0);
    });
  try {
    await measure(`${escapeGlob(prefix)}*`, (key, bytes) => {
      const name = key.slice(prefix.length);
      if (name.includes(':')) scopes?.set(name, bytes);
      else documents?.set(formatPath([name]), bytes);
    });
    for (const start of ['sm:{', 'sm:']) {
      await measure(`${start}${escapeGlob(prefix)}*`, (key, bytes) => {
        sideKeys?.set(key, bytes + Buffer.byteLength(key));
      });
    }
  } finally {
    for (const server of masters) server.close();
  }
  return { documents, scopes, sideKeys } as StoredSizes;
}

/** The command that measures a key: a history is a stream. Where the user may not run it, the key counts by its name alone. */
function lengthCommand(key: string): string[] {
  return /^sm:.*:history$/s.test(key) ? ['MEMORY', 'USAGE', key] : ['STRLEN', key];
}

function report({ documents, scopes, sideKeys, fileBytes }: StoredSizes, most: number, isJson: boolean): void {
  const all = [...documents, ...(scopes ?? [])].map(([name, bytes]) => ({ name, bytes }));
  const largest = all.sort((a, b) => b.bytes - a.bytes).slice(0, most);
  const groups = { documents: total(documents), scopes: total(scopes), sideKeys: total(sideKeys) };
  if (isJson) {
    print(JSON.stringify({ ...groups, fileBytes, largest }));
    return;
  }
  for (const [group, each] of Object.entries(groups)) {
    const label = { documents: 'documents', scopes: 'in scopes', sideKeys: 'side keys' }[group] as string;
    if (each !== undefined) print(`${label.padEnd(9)} ${String(each.count).padStart(8)}  ${formatBytes(each.bytes)}`);
  }
  if (fileBytes !== undefined) print(`${'file'.padEnd(9)} ${''.padStart(8)}  ${formatBytes(fileBytes)}`);
  if (largest.length > 0) print('the largest:');
  for (const { name, bytes } of largest) print(`${formatBytes(bytes).padStart(18)}  ${printable(name)}`);
}

function total(sizes: Sizes | undefined): { count: number; bytes: number } | undefined {
  return sizes && { count: sizes.size, bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) };
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [unit, divisor] = bytes < 2 ** 20 ? ['KiB', 1024] : bytes < 2 ** 30 ? ['MiB', 2 ** 20] : ['GiB', 2 ** 30];
  return `${(bytes / (divisor as number)).toFixed(1)} ${unit}`;
}
