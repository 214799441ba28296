// The checks before a release is published, and the packed manifests.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { platforms } from '../../scripts/platforms.mjs';
import { obstacles } from '../../scripts/release.mjs';
import { originOf } from '../../scripts/repository.mjs';
import { releaseChangelog } from '../../scripts/set-version.mjs';
import { load, tools } from './tools.js';

afterEach(() => vi.unstubAllEnvs());

const packageOf = (name: string) => join(tools, 'node_modules', name);
const { version } = JSON.parse(readFileSync(join(packageOf('synced-memory'), 'package.json'), 'utf8'));
const tarballCount = platforms.length + 2;

test('nothing is published without a head in the changelog, the tag of the version, and all addons', () => {
  vi.stubEnv('GITHUB_REPOSITORY', 'owner/name');
  const changelog = `# Changelog\n\n## Unreleased\n\n## ${version} (2026-12-01)\n`;
  const tag = `v${version}`;
  expect(obstacles({ changelog, tag, tarballCount })).toEqual([]);
  expect(obstacles({ changelog: '## Unreleased\n', tag, tarballCount })).toEqual([
    expect.stringContaining(`no head for ${version}`),
  ]);
  expect(obstacles({ changelog, tag: undefined, tarballCount })).toEqual([expect.stringContaining('tag')]);
  expect(obstacles({ changelog, tag, tarballCount: 3 })).toEqual([expect.stringContaining('7 of 8 addons')]);
});

test('a release gives the changes since the last one a head of their own', () => {
  const text = '# Changelog\n\n## Unreleased\n\n- new\n\n## 0.1.0 (2026-11-01)\n\n- old\n';
  const released = '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n- new\n\n## 0.1.0 (2026-11-01)\n\n- old\n';
  expect(releaseChangelog(text, '0.2.0', '2026-12-01')).toBe(released);
  expect(() => releaseChangelog(released, '0.3.0', '2026-12-01')).toThrow('nothing under Unreleased');
  expect(() => releaseChangelog(text, '0.1.0', '2026-12-01')).toThrow('already');
});

test('manifests name the repository of the workflow that packs them', () => {
  vi.stubEnv('GITHUB_REPOSITORY', 'owner/name');
  expect(originOf('npm/synced-memory')).toMatchObject({
    repository: { type: 'git', url: 'git+https://github.com/owner/name.git', directory: 'npm/synced-memory' },
    homepage: 'https://github.com/owner/name#readme',
  });
  vi.stubEnv('GITHUB_REPOSITORY', '');
  expect(originOf('npm/synced-memory')).toEqual({});
});

test('every source map has its sources', () => {
  const folder = packageOf('synced-memory');
  const maps = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.map'));
  expect(maps.length).toBeGreaterThan(50);
  for (const name of maps) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    expect(
      sourcesContent?.filter((text: unknown) => typeof text === 'string'),
      name,
    ).toHaveLength(sources.length);
  }
});

test('publint reports nothing about the inspector', async () => {
  const { publint } = await import(load.resolve('publint'));
  const { messages } = await publint({ pkgDir: packageOf('synced-memory-inspector'), pack: false, strict: true });
  expect(messages).toEqual([]);
});
