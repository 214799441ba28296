// What the pages say about the code, and that nothing on them is left out of the tests.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { blocksOf, isExample, pages, read } from './examples.js';

/** The tests that execute the blocks of a page with this language and with a file name. */
const executedElsewhere: Record<string, string> = {
  'docs/command-line.md console': 'tests/servers/cli-page.test.ts',
  'docs/deployment.md ': 'tests/servers/acl.test.ts',
  'docs/frameworks.md named': 'tests/frameworks/page.test.ts',
  'docs/testing.md named': 'tests/runtimes/testing-page.ts',
};

describe.each(pages)('%s', (page) => {
  const blocks = blocksOf(page).filter(({ language }) => language !== 'mermaid' && language !== 'sh');

  test('a test executes every block', () => {
    for (const block of blocks.filter((one) => !isExample(one))) {
      const kind = `${page} ${block.file ? 'named' : block.language}`;
      const file = block.executedBy ?? executedElsewhere[kind] ?? `nothing executes: ${kind}\n${block.code}`;
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(read(file)).toContain(page);
    }
  });

  test('every command exists', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const commands = blocksOf(page).filter(({ language }) => language === 'sh');
    for (const [, name = ''] of commands.flatMap(({ code }) => [...code.matchAll(/^npm run ([\w:]+)/gm)])) {
      expect(Object.keys(scripts)).toContain(name);
    }
  });

  test('every link leads somewhere', () => {
    for (const [, target = '', anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const path = target === '' ? page : normalize(join(dirname(page), target));
      expect(existsSync(join(root, path)), `${target} of ${page}`).toBe(true);
      if (anchor) expect(anchorsOf(path), `${target}#${anchor}`).toContain(anchor);
    }
  });
});

/** The anchors that a site makes of a page's headings. */
function anchorsOf(path: string): string[] {
  const headings = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title);
  return headings.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('the README has at most 150 lines', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(150);
});

describe('docs/options.md lists', () => {
  const listed = [...read('docs/options.md').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/\w+/g)].map(([name]) => name),
  );

  test('every option', () => {
    const source = read('npm/synced-memory/src/memory/open-options.ts');
    const [body = ''] = source.match(/export interface OpenOptions.*?^}/ms) ?? [];
    const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
    expect(options.length).toBeGreaterThan(15);
    expect(listed.filter((name) => /[a-z]/.test(name)).sort()).toEqual(options.sort());
  });

  test('every environment variable that the entry points read', () => {
    const source = read('npm/synced-memory/src/entry/environment-defaults.ts');
    const urls = [...source.matchAll(/'(\w+_URL)'/g)].map(([, name]) => name);
    const families = [...source.matchAll(/'(REDIS|DRAGONFLYDB)'/g)].map(([, family]) => family);
    const others = families.flatMap((family) => ['HOST', 'PORT', 'PREFIX'].map((name) => `${family}_${name}`));
    expect(urls.length).toBeGreaterThan(2);
    expect(listed).toEqual(expect.arrayContaining([...urls, ...others]));
  });
});
