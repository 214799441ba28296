// The programs of docs/frameworks.md. Each project runs those of its framework.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';

const { FRAMEWORK: framework = '', REPOSITORY: root = '' } = process.env;
const blocks = [...readFileSync(join(root, 'docs/frameworks.md'), 'utf8').matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(
  ([, file = '', code = '']) => ({ file, code }),
);
/** Inside the repository, so that imports resolve as they do for a user. */
const folder = join(root, '.cache/frameworks', process.env.PROJECT ?? '');

/** Writes the shared module and the files of the framework, as a new copy, and runs one of them. */
async function run(program: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of blocks) {
    const isOwn = file === 'memory.js' || file.startsWith(`${framework}/`);
    if (isOwn) writeFileSync(join(folder, basename(file)), code);
  }
  await import(/* @vite-ignore */ join(folder, program));
}

/** Resolves when the text of the page is this one, apart from spaces. */
function pageShows(text: string): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (document.body.textContent?.replace(/\s+/g, '') === text.replaceAll(' ', '')) resolve();
    };
    new MutationObserver(check).observe(document.body, { childList: true, characterData: true, subtree: true });
    check();
  });
}

beforeEach(() => {
  document.body.innerHTML = '<div id="app"></div>';
});

test('all programs of the page are found', () => {
  expect(blocks.map(({ file }) => file)).toEqual([
    'memory.js',
    'react/main.jsx',
    'react/opening.jsx',
    'vue/board.vue',
    'vue/main.js',
    'svelte/board.svelte',
    'svelte/main.js',
    'solid/main.jsx',
  ]);
});

const main = blocks.map(({ file }) => file).find((file) => file.startsWith(`${framework}/main.`)) ?? '';

test(`${main}: the board shows what a click changes`, async () => {
  await run(basename(main));
  await pageShows('draft review 0 done, connected');
  document.querySelectorAll('input')[1]?.click();
  await pageShows('draft review 1 done, connected');
  expect([...document.querySelectorAll('input')].map(({ checked }) => checked)).toEqual([false, true]);
});

test.runIf(framework === 'react')('opening.jsx: the page waits for its memory', async () => {
  await run('opening.jsx');
  await pageShows('1 visits');
  document.querySelector('button')?.click();
  await pageShows('2 visits');
});
