// `npm run pack`: the tarballs that would be published, in .cache/pack: the main package, the inspector, and one for each platform
// whose addon is there (this machine's after a build, the others' where a workflow has put them). `-- --all` packs the addons that
// are there as they are, and fails where one is missing.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtAddon } from './addon.mjs';
import { build } from './build.mjs';
import { output } from './command.mjs';
import { inspectorFolder, packageFolder, root } from './paths.mjs';
import { addonOf, platformFolder, publishedManifest, takeAddon, writePlatformManifests } from './platform-packages.mjs';
import { hostPlatform, platforms } from './platforms.mjs';
import { originOf } from './repository.mjs';
import { Failure, runAsScript } from './script.mjs';

/** The folder of the tarballs. */
export const packFolder = join(root, '.cache/pack');

/** Packs what is built, with the addon built here. @returns {string[]} paths of tarballs, the main package's first */
export function pack() {
  const host = hostPlatform();
  if (host) takeAddon(host, builtAddon);
  return packAsIs();
}

function packAsIs() {
  rmSync(packFolder, { recursive: true, force: true });
  mkdirSync(packFolder, { recursive: true });
  writePlatformManifests();
  const withAddon = platforms.filter((one) => existsSync(addonOf(one)));
  return [packMain(), packInspector(), ...withAddon.map((one) => packOne(platformFolder(one)))];
}

/** Packs a copy: the manifest in the repository does not name packages that may not be published yet. */
function packMain() {
  const stage = join(packFolder, 'main');
  cpSync(packageFolder, stage, { recursive: true, filter: (path) => !path.includes('node_modules') });
  copyFileSync(join(root, 'README.md'), join(stage, 'README.md'));
  writeFileSync(join(stage, 'package.json'), JSON.stringify(publishedManifest(), undefined, 2));
  return packOne(stage);
}

/** Packs a copy, to which the license is added. */
function packInspector() {
  const stage = join(packFolder, 'inspector');
  for (const name of ['dist', 'README.md']) cpSync(join(inspectorFolder, name), join(stage, name), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(inspectorFolder, 'package.json'), 'utf8'));
  const published = { ...manifest, ...originOf('npm/synced-memory-inspector') };
  writeFileSync(join(stage, 'package.json'), JSON.stringify(published, undefined, 2));
  return packOne(stage);
}

function packOne(source) {
  copyFileSync(join(root, 'LICENSE'), join(source, 'LICENSE'));
  const report = output('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', packFolder, source]);
  if (report === undefined) throw new Failure(`npm pack ${source} failed`);
  const [{ filename }] = Object.values(JSON.parse(report));
  return join(packFolder, filename);
}

/** Builds and packs: with `all`, the addons that are there as they are. Throws where one of those is missing. */
export async function packAll({ all }) {
  await build();
  const tarballs = all ? packAsIs() : pack();
  if (all && tarballs.length < platforms.length + 2) throw new Failure('the addon of some platform is missing');
  return tarballs;
}

await runAsScript(import.meta.url, async () => {
  const tarballs = await packAll({ all: process.argv.includes('--all') });
  console.log(tarballs.join('\n'));
});
