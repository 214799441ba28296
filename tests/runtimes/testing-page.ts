import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/paths.mjs';

interface Example {
  file: string;
  /** The test runner that it is for; undefined for all of them. */
  runner: string | undefined;
  code: string;
}

/** The files in docs/testing.md: blocks headed by a language, a file name and possibly a test runner. */
export const examples: Example[] = [
  ...readFileSync(join(root, 'docs/testing.md'), 'utf8').matchAll(/^```js (\S+)(?: (\w+))?\n(.*?)^```$/gms),
].map(([, file = '', runner, code = '']) => ({ file, runner, code }));

/** Writes the files for this test runner into a folder, and removes those of earlier runs. */
export function writeExamples(folder: string, runner: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { file } of examples) rmSync(join(folder, file), { force: true });
  for (const { file, code } of examples.filter((one) => one.runner === undefined || one.runner === runner)) {
    writeFileSync(join(folder, file), code);
  }
}
