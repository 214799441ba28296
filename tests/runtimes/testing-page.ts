import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/run.mjs';

interface Example {
  file: string;
  /** The test runner that it is for; every one without it. */
  runner: string | undefined;
  code: string;
}

/** The files that docs/testing.md shows: blocks headed by a language, a file name and maybe a runner. */
export const examples: Example[] = [
  ...readFileSync(join(root, 'docs/testing.md'), 'utf8').matchAll(/^```js (\S+)(?: (\w+))?\n(.*?)^```$/gms),
].map(([, file = '', runner, code = '']) => ({ file, runner, code }));

/** Writes those that are for this runner into a folder, without those of earlier runs. */
export function writeExamples(folder: string, runner: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { file } of examples) rmSync(join(folder, file), { force: true });
  for (const { file, code } of examples.filter((one) => one.runner === undefined || one.runner === runner)) {
    writeFileSync(join(folder, file), code);
  }
}
