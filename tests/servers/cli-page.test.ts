// The examples of docs/command-line.md, in their order: each command prints what the page says.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFolder, root } from '../../scripts/paths.mjs';
import { CommandLine } from './cli-process.js';

const page = readFileSync(join(root, 'docs/command-line.md'), 'utf8');
const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block);
const examples = blocks.flatMap((block) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = '', ...output] = text.trimEnd().split('\n');
      return { command, output: output.join('\n') };
    }),
);

const cli = new CommandLine();
beforeAll(() => {
  const program = join(cli.folder, 'bin/synced-memory');
  mkdirSync(join(cli.folder, 'bin'));
  writeFileSync(
    program,
    `#!/bin/sh\nexec "${process.execPath}" "${join(packageFolder, 'dist/cli/main.js')}" "$@" --quiet\n`,
  );
  chmodSync(program, 0o755);
});
afterAll(() => cli.remove());

/** The text of both outputs of a command. */
function printed(command: string): Promise<string> {
  const { SYNCED_MEMORY_URL, REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PREFIX, NODE_ENV, FORCE_COLOR, ...env } =
    process.env;
  const PATH = `${join(cli.folder, 'bin')}${delimiter}${env.PATH}`;
  return new Promise((resolve) => {
    const options = { cwd: cli.folder, env: { ...env, PATH } };
    execFile('sh', ['-c', `${command} 2>&1`], options, (_error, stdout) => resolve(stdout.trimEnd()));
  });
}

describe.sequential('docs/command-line.md', () => {
  test('has examples', () => expect(examples.length).toBeGreaterThan(10));

  test.each(examples)('$command', async ({ command, output }) => {
    expect(await printed(command)).toBe(output);
  });

  test('names every command', async () => {
    const names = [...(await cli.print('--help')).matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
    for (const name of names) expect(page).toMatch(new RegExp(`\`${name}[ \`]`));
  });
});
