// `npm run pack`: the tarballs that would be published, in .cache/pack: the main package, and one for each platform whose
// addon is there (this machine's after a build; the others' where a workflow has put them). `-- --all` takes the addons
// that are there as they are, and wants every one.
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import {
  addonName,
  hostPlatform,
  mainFolder,
  platformFolder,
  platforms,
  publishedManifest,
  writePlatformManifests,
} from './platforms.mjs';
import { Failure, output, root, runAsScript } from './run.mjs';

/** Where the tarballs are. */
export const packFolder = join(root, '.cache/pack');

/** Packs what is built, with the addon built here. @returns {string[]} paths of tarballs, the main package's first */
export function pack() {
  const host = hostPlatform();
  writePlatformManifests();
  if (host) copyFileSync(join(mainFolder, addonName), join(platformFolder(host), addonName));
  return packAsIs();
}

function packAsIs() {
  rmSync(packFolder, { recursive: true, force: true });
  mkdirSync(packFolder, { recursive: true });
  writePlatformManifests();
  const folders = platforms.map(platformFolder).filter((folder) => existsSync(join(folder, addonName)));
  return [packMain(), ...folders.map(packOne)];
}

/** The manifest in the repository knows nothing of packages that are not published yet, so a copy is packed. */
function packMain() {
  const stage = join(packFolder, 'main');
  cpSync(mainFolder, stage, { recursive: true, filter: (path) => !path.includes('node_modules') });
  copyFileSync(join(root, 'README.md'), join(stage, 'README.md'));
  writeFileSync(join(stage, 'package.json'), JSON.stringify(publishedManifest(), undefined, 2));
  return packOne(stage);
}

function packOne(source) {
  copyFileSync(join(root, 'LICENSE'), join(source, 'LICENSE'));
  const report = output('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', packFolder, source]);
  if (report === undefined) throw new Failure(`npm pack ${source} failed`);
  const [{ filename }] = Object.values(JSON.parse(report));
  return join(packFolder, filename);
}

await runAsScript(import.meta.url, () => {
  build();
  const all = process.argv.includes('--all');
  const tarballs = all ? packAsIs() : pack();
  console.log(tarballs.join('\n'));
  if (all && tarballs.length <= platforms.length) throw new Failure('the addon of some platform is missing');
});
