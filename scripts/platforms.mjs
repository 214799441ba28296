// The platforms that the addon is built for: each has a package of its own, of which npm installs the one that fits.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, runAsScript } from './run.mjs';

const platform = (os, cpu, triple, libc) => ({
  name: [os, cpu, ...(libc ? [libc === 'glibc' ? 'gnu' : libc] : [])].join('-'),
  os,
  cpu,
  triple,
  ...(libc && { libc }),
});

export const platforms = [
  platform('linux', 'x64', 'x86_64-unknown-linux-gnu', 'glibc'),
  platform('linux', 'x64', 'x86_64-unknown-linux-musl', 'musl'),
  platform('linux', 'arm64', 'aarch64-unknown-linux-gnu', 'glibc'),
  platform('linux', 'arm64', 'aarch64-unknown-linux-musl', 'musl'),
  platform('darwin', 'x64', 'x86_64-apple-darwin'),
  platform('darwin', 'arm64', 'aarch64-apple-darwin'),
  platform('win32', 'x64', 'x86_64-pc-windows-msvc'),
  platform('win32', 'arm64', 'aarch64-pc-windows-msvc'),
];

export const mainFolder = join(root, 'npm/synced-memory');
export const platformFolder = ({ name }) => join(root, 'npm/platforms', name);

/** The file name of the addon, in the main package (built here) as in those of the platforms. */
export const addonName = 'synced-memory.node';

/** The platform that this process runs on; undefined where there is no package for it. */
export function hostPlatform() {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  const libc = header.glibcVersionRuntime ? 'glibc' : 'musl';
  return platforms.find(
    (one) => one.os === process.platform && one.cpu === process.arch && (one.libc ?? libc) === libc,
  );
}

/** The main package's manifest as it is published: with the platforms' packages, each of the very same version. */
export function publishedManifest() {
  const manifest = readManifest();
  const optionalDependencies = Object.fromEntries(platforms.map(({ name }) => [packageName(name), manifest.version]));
  return { ...manifest, optionalDependencies };
}

/** Writes `npm/platforms/<name>/package.json` for every platform. */
export function writePlatformManifests() {
  const { version, license, engines, repository } = readManifest();
  for (const one of platforms) {
    const { name, os, cpu, libc } = one;
    const manifest = {
      name: packageName(name),
      version,
      description: `The native addon of synced-memory for ${name}`,
      license,
      ...(repository && { repository }),
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

const packageName = (name) => `synced-memory-${name}`;

function readManifest() {
  return JSON.parse(readFileSync(join(mainFolder, 'package.json'), 'utf8'));
}

/** What cargo has built of the addon. */
export function builtLibrary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const names = { darwin: 'libsynced_memory_node.dylib', win32: 'synced_memory_node.dll' };
  return join(target, 'release', names[process.platform] ?? 'libsynced_memory_node.so');
}

/** `node scripts/platforms.mjs take NAME` puts what cargo has built into that platform's package. */
await runAsScript(import.meta.url, () => {
  writePlatformManifests();
  const [command, name] = process.argv.slice(2);
  if (command === undefined) return;
  const wanted = platforms.find((one) => one.name === name);
  if (command !== 'take' || wanted === undefined) {
    throw new Failure(`node scripts/platforms.mjs take ${platforms.map((one) => one.name).join('|')}`);
  }
  copyFileSync(builtLibrary(), join(platformFolder(wanted), addonName));
});
