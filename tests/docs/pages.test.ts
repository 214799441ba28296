// Compares the pages with the code, and checks that a test runs every program on them.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { groups, otherSources, sourceOf } from '../../docs/.vitepress/pages.mjs';
import { sitePage, summary } from '../../scripts/docs.mjs';
import { root } from '../../scripts/paths.mjs';
import { blocksOf, isExample, pages, read } from './examples.js';

/** The tests that execute the blocks of a page with this language and with a file name. */
const executedElsewhere: Record<string, string> = {
  'docs/command-line.md console': 'tests/servers/cli-page.test.ts',
  'docs/deployment.md ': 'tests/servers/acl.test.ts',
  'docs/frameworks.md named': 'tests/frameworks/page.test.ts',
  'docs/testing.md named': 'tests/runtimes/testing-page.ts',
};

/** Languages of blocks that are not executed. Commands are checked below. */
const notPrograms = ['sh', 'mermaid', 'json', 'text', 'html'];

describe.each(pages)('%s', (page) => {
  const blocks = blocksOf(page).filter(({ language }) => !notPrograms.includes(language));

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

describe('the site', () => {
  const names = groups.flatMap((group) => group.pages);

  test('has every page once', () => {
    const files = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    const others = Object.keys(otherSources).filter((name) => name !== 'index');
    expect([...names].sort()).toEqual([...files.map((name) => name.replace('.md', '')), ...others].sort());
  });

  test.each(names)('llms.txt has a sentence about %s', (name) => {
    const { title, sentence } = summary(read(sourceOf(name)));
    expect(title).not.toBe('');
    expect(sentence).toMatch(/^[A-Z`][^|#]{10,}\.$/);
  });

  test('links pages of the site to each other', () => {
    expect(sitePage('docs/browser.md', '[a](../README.md#install) [b](edge.md)')).toBe(
      '[a](index.md#install) [b](edge.md)',
    );
    expect(sitePage('README.md', '[c](docs/edge.md) [d](CONTRIBUTING.md)')).toBe('[c](edge.md) [d](contributing.md)');
    expect(sitePage('BENCHMARKS.md', '![f](docs/benchmarks/f.svg)')).toBe('![f](./benchmarks/f.svg)');
    expect(sitePage('README.md', '[e](https://example.com)')).toBe('[e](https://example.com)');
  });
});

test.each(['build', 'docs', 'pack', 'setup', 'test'])(
  'in a new clone, %s.mjs can be loaded before npm packages are there',
  (name) => {
    const clone = mkdtempSync(join(tmpdir(), 'synced-memory-clone-'));
    cpSync(join(root, 'scripts'), join(clone, 'scripts'), { recursive: true });
    cpSync(join(root, 'docs/.vitepress'), join(clone, 'docs/.vitepress'), { recursive: true });
    // It does its work only where it is the main module.
    execFileSync(process.execPath, ['--input-type=module', '--eval', `import './scripts/${name}.mjs'`], { cwd: clone });
    rmSync(clone, { recursive: true });
  },
);

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
