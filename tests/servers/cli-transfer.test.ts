// `export` and `import`, and `size`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Backend, backends } from './backends.js';
import { CommandLine } from './cli-process.js';

const value = { a: [1, { __proto__: null, 'b.c': 'é"\n' }], long: 12345678901234567890n };

describe.each(['redis', 'file'] as const)('on %s', (kind) => {
  let backend: Backend;
  let cli: CommandLine;
  let whole: string;
  const path = (name: string) => join(cli.folder, name);
  beforeAll(async () => {
    backend = await backends[kind]();
    cli = new CommandLine({ SYNCED_MEMORY_URL: backend.url });
    const mem = await Memory.open(backend.url);
    Object.assign(mem, { value, last: 'x'.repeat(500), short: 1 });
    await mem.$expire('short', 1000);
    await mem.$close();
    await cli.print('export', 'whole.jsonl');
    whole = readFileSync(path('whole.jsonl'), 'utf8');
  });
  afterAll(async () => {
    cli.remove();
    await backend.stop();
  });

  test('what is exported is imported as it was, lifetimes too', async () => {
    expect(existsSync(path('whole.jsonl.part'))).toBe(false);
    expect(whole.trimEnd().split('\n')).toEqual([
      '{"format":"synced-memory","version":1}',
      `{"name":"last","value":"${'x'.repeat(500)}"}`,
      expect.stringMatching(/^\{"name":"short","value":1,"ttl":\d+(\.\d+)?\}$/),
      '{"name":"value","value":{"a":[1,{"b.c":"é\\"\\n"}],"long":12345678901234567890}}',
      '{"end":3}',
    ]);
    await cli.print('set', 'last', '0', '--scope', 'copy');
    await cli.print('ttl', 'last', '500', '--scope', 'copy');
    await cli.print('import', 'whole.jsonl', '--scope', 'copy');
    const copy = await cli.print('export', '--scope', 'copy');
    const withoutLifetimes = (text: string) => text.trimEnd().replace(/"ttl":[\d.]+/, '"ttl":');
    expect(withoutLifetimes(copy)).toBe(withoutLifetimes(whole));
  });

  test('a truncated file names the line, and changes nothing', async () => {
    const lines = whole.split('\n');
    const refusal = async (text: string, ...args: string[]) => {
      const { code, stderr } = await cli.run(['import', '--scope', 'cut', '-q', ...args], text);
      expect(code).toBe(1);
      expect(stderr).toContain('nothing was imported');
      return stderr;
    };
    expect(await refusal(whole.slice(0, whole.indexOf('"b.c"') + 3))).toContain(
      'line 4 is cut off: the file is truncated: the string that begins here has no end',
    );
    writeFileSync(path('cut.jsonl'), `${lines.slice(0, 3).join('\n')}\n`);
    expect(await refusal('', 'cut.jsonl')).toContain('the file is truncated: line 3 is its last');
    expect(
      await refusal([...lines.slice(0, 2), '{"name": "x", "value": tru}', ...lines.slice(3)].join('\n')),
    ).toContain('line 3 is not JSON: a value is expected\n  {"name": "x", "value": tru}\n                         ^');
    expect(await refusal([lines[0], '{"name": "a:b", "value": 1}', '{"end":1}'].join('\n'))).toContain('line 2: "a:b"');
    expect(await cli.print('ls', '--scope', 'cut')).toBe('');
  });

  test('an import goes on at a line', async () => {
    const { code, stderr } = await cli.run(['import', '--scope', 'part', '--from=4', '-q'], whole);
    expect([code, stderr]).toEqual([0, 'imported 1 attributes\n']);
    expect(await cli.print('ls', '--scope', 'part', '--json')).toBe('{"path":"value","type":"dict","length":2}');
  });

  test('an export goes on after its last whole line', async () => {
    writeFileSync(path('again.jsonl.part'), `${whole.split('\n').slice(0, 2).join('\n')}\n{"name":"sho`);
    await cli.print('export', 'again.jsonl', '--resume');
    const lines = readFileSync(path('again.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).name)).toEqual([undefined, 'last', 'short', 'value', undefined]);
    expect(lines.at(-1)).toBe('{"end":3}');
  });

  test.runIf(existsSync('/dev/full'))('a full disk fails without a stack trace', async () => {
    expect(await cli.run(['export', '/dev/full', '-q'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'synced-memory: /dev/full cannot be written: ENOSPC: no space left on device, write\n',
    });
  });

  test('a file that cannot be written is named', async () => {
    const { code, stderr } = await cli.run(['export', 'missing/folder.jsonl', '-q']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('missing/folder.jsonl cannot be written: ENOENT')]);
  });

  test('size counts documents and names the largest', async () => {
    const size = JSON.parse(await cli.print('size', '--json', '--top', '1'));
    expect(size.documents.count).toBe(3);
    expect(size.largest).toHaveLength(1);
    expect(size.largest[0].bytes).toBeGreaterThan(500);
    if (kind === 'redis') expect(size.sideKeys.count).toBeGreaterThan(2);
    else expect(size.fileBytes).toBeGreaterThan(1000);
    expect(await cli.print('size')).toMatch(/^documents +3 {2}\d+ B\n[\s\S]*the largest:\n +\d+ B {2}last\n/);
  });
});

test('a reader that goes away ends an export without a stack trace', async () => {
  const cli = new CommandLine();
  await cli.print('set', 'long', `"${'x'.repeat(100_000)}"`);
  const child = cli.start('export', '-q');
  child.stdout.destroy();
  const stderr: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text) => stderr.push(text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, stderr.join('')]).toEqual([141, '']);
  cli.remove();
});
