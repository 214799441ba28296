// `npm run release:dry`: everything that a release does but the upload, with the addon of this machine. It packs, checks the
// manifests and the changelog, and lets npm say what it would publish.
// `node scripts/release.mjs FOLDER` uploads the tarballs in a folder: the release workflow runs it with those that it has installed
// on every platform, on a tag `v<version>`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { output, run } from './command.mjs';
import { packAll } from './pack.mjs';
import { packageFolder, root } from './paths.mjs';
import { platforms } from './platforms.mjs';
import { repositoryUrl } from './repository.mjs';
import { Failure, runAsScript, step } from './script.mjs';

const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

/** What keeps this state of the repository from being published: one sentence each. */
export function obstacles({ changelog, tag, tarballCount }) {
  const found = [];
  if (!changelog.includes(`\n## ${version} (`)) {
    found.push(`CHANGELOG.md has no head for ${version}: run npm run release:version -- ${version}`);
  }
  if (tag !== `v${version}`)
    found.push(`the tag is ${tag ?? 'none'}, the version ${version}: push the tag v${version}`);
  if (repositoryUrl() === undefined) found.push('the repository is unknown: GITHUB_REPOSITORY is not set');
  const missing = platforms.length + 2 - tarballCount;
  if (missing > 0)
    found.push(`${missing} of ${platforms.length} addons are missing: they are built by the release workflow`);
  return found;
}

/** The paths of the tarballs in a folder. */
function tarballsIn(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  // npm would take a relative path for a repository on GitHub.
  return names.map((name) => resolve(folder, name));
}

/** The manifest in a tarball. */
function manifestOf(tarball) {
  const text = output('tar', ['-xzOf', tarball, 'package/package.json']);
  if (text === undefined) throw new Failure(`${tarball} has no package.json`);
  return JSON.parse(text);
}

/** Throws where tarballs of one release do not fit together. */
function checkManifests(manifests) {
  for (const { name, version: own, license, repository } of manifests) {
    if (own !== version) throw new Failure(`${name} has version ${own}, and the release is ${version}`);
    if (!license) throw new Failure(`${name} names no license`);
    if (repositoryUrl() !== undefined && !repository) throw new Failure(`${name} names no repository`);
  }
  const main = manifests.find(({ name }) => name === 'synced-memory');
  const inspector = manifests.find(({ name }) => name === 'synced-memory-inspector');
  if (inspector.peerDependencies['synced-memory'] !== version) {
    throw new Failure(`the inspector is for synced-memory ${inspector.peerDependencies['synced-memory']}`);
  }
  const named = Object.entries(main.optionalDependencies).filter(([, one]) => one === version);
  if (named.length !== platforms.length)
    throw new Failure('the main package does not name every addon of this version');
}

/** Whether the registry has this version, after an earlier run of the workflow that failed half-way. */
const isPublished = ({ name }) => output('npm', ['view', `${name}@${version}`, 'version']) === version;

/** The tarballs with their manifests, addons first: whoever installs the main package must find them. */
function inOrder(tarballs) {
  const rank = ({ manifest }) => ['synced-memory', 'synced-memory-inspector'].indexOf(manifest.name);
  return tarballs
    .map((tarball) => ({ tarball, manifest: manifestOf(tarball) }))
    .sort((one, other) => rank(one) - rank(other));
}

await runAsScript(import.meta.url, async () => {
  const [argument] = process.argv.slice(2);
  if (argument === undefined) throw new Failure('usage: node scripts/release.mjs --dry-run | FOLDER');
  const isDry = argument === '--dry-run';
  const packed = inOrder(isDry ? await packAll({ all: false }) : tarballsIn(argument));
  checkManifests(packed.map(({ manifest }) => manifest));
  const found = obstacles({
    changelog: readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
    tag: process.env.GITHUB_REF_TYPE === 'tag' ? process.env.GITHUB_REF_NAME : undefined,
    tarballCount: packed.length,
  });
  if (found.length > 0 && !isDry) throw new Failure(`nothing was published:\n  ${found.join('\n  ')}`);
  for (const { tarball, manifest } of packed) {
    if (!isDry && isPublished(manifest)) {
      step(`${manifest.name} ${version} is published already`);
      continue;
    }
    run('npm', ['publish', tarball, '--access', 'public', ...(isDry ? ['--dry-run'] : ['--provenance'])]);
  }
  for (const line of found) step(`before a release: ${line}`);
});
