// The npm packages that hold the addon of one platform each; npm installs the one that fits.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addonName } from './addon.mjs';
import { packageFolder, root } from './paths.mjs';
import { platforms } from './platforms.mjs';
import { originOf } from './repository.mjs';

/** The path of the addon in a platform's package. */
export const addonOf = (platform) => join(platformFolder(platform), addonName);

export const platformFolder = ({ name }) => join(root, 'npm/platforms', name);

const packageName = ({ name }) => `synced-memory-${name}`;

/** The main package's manifest as it is published: it names the platforms' packages, each of its own version. */
export function publishedManifest() {
  const manifest = readManifest();
  const optionalDependencies = Object.fromEntries(platforms.map((one) => [packageName(one), manifest.version]));
  return { ...manifest, ...originOf('npm/synced-memory'), optionalDependencies };
}

/** Writes `npm/platforms/<name>/package.json` for every platform. */
export function writePlatformManifests() {
  const { version, license, engines } = readManifest();
  for (const one of platforms) {
    const { name, os, cpu, libc } = one;
    const manifest = {
      name: packageName(one),
      version,
      description: `The native addon of synced-memory for ${name}`,
      license,
      ...originOf('npm/synced-memory'),
      engines,
      os: [os],
      cpu: [cpu],
      ...(libc && { libc: [libc] }),
      main: addonName,
      files: [addonName],
    };
    mkdirSync(platformFolder(one), { recursive: true });
    writeFileSync(join(platformFolder(one), 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  }
}

/** Puts a library into the package of a platform. */
export function takeAddon(platform, library) {
  writePlatformManifests();
  copyFileSync(library, addonOf(platform));
}

function readManifest() {
  return JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
}
