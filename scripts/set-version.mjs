// `npm run release:version -- 0.2.0`: gives all packages this version, and what CHANGELOG.md has under Unreleased a head of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { Failure, runAsScript, step } from './script.mjs';

/** The text of the changelog after a release. Throws where it has nothing under Unreleased. */
export function releaseChangelog(text, version, date) {
  if (text.includes(`\n## ${version} (`)) throw new Failure(`CHANGELOG.md has a head for ${version} already`);
  const [, unreleased = ''] = text.split(/^## .*$/m);
  if (!text.includes('\n## Unreleased\n') || unreleased.trim() === '') {
    throw new Failure('CHANGELOG.md has nothing under Unreleased');
  }
  return text.replace('## Unreleased\n', `## Unreleased\n\n## ${version} (${date})\n`);
}

/** Changes a JSON file of the repository. */
function edit(path, change) {
  const file = join(root, path);
  const content = JSON.parse(readFileSync(file, 'utf8'));
  change(content);
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

await runAsScript(import.meta.url, () => {
  const version = process.argv[2] ?? '';
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Failure('usage: npm run release:version -- 0.2.0');
  const changelog = join(root, 'CHANGELOG.md');
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(changelog, releaseChangelog(readFileSync(changelog, 'utf8'), version, date));
  const setInspector = (manifest) => {
    manifest.version = version;
    manifest.peerDependencies['synced-memory'] = version;
  };
  edit('npm/synced-memory/package.json', (manifest) => {
    manifest.version = version;
  });
  edit('npm/synced-memory-inspector/package.json', setInspector);
  edit('package-lock.json', ({ packages }) => {
    packages['npm/synced-memory'].version = version;
    setInspector(packages['npm/synced-memory-inspector']);
  });
  step(`version ${version}: commit it, and push the tag v${version}`);
});
