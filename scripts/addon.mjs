// Builds the native addon and the TypeScript types of it.
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { notingTypes, requireNotes, writeAddonTypes } from './addon-types.mjs';
import { run } from './command.mjs';
import { modifiedAt, packageFolder, targetFolder } from './paths.mjs';
import { runAsScript, step } from './script.mjs';

/** The file name of the addon, in this package as in those of the platforms. */
export const addonName = 'synced-memory.node';

/** The addon that is built here. */
export const builtAddon = join(packageFolder, addonName);

export function buildAddon() {
  requireNotes();
  const env = { ...process.env, ...notingTypes };
  run('cargo', ['build', '--release', '-p', 'synced-memory-node'], { hint: 'an old Rust? rustup update stable', env });
  if (writeAddonTypes()) step('types of the addon: changed; commit them');
  if (modifiedAt(builtAddon) >= modifiedAt(builtLibrary())) return step('addon: up to date');
  // Renamed into place: a process that has the old one mapped must not see its bytes change.
  copyFileSync(builtLibrary(), `${builtAddon}.new`);
  renameSync(`${builtAddon}.new`, builtAddon);
  step('addon: npm/synced-memory/synced-memory.node');
}

/** The library that cargo builds of the addon. */
export function builtLibrary() {
  const names = { darwin: 'libsynced_memory_node.dylib', win32: 'synced_memory_node.dll' };
  return join(targetFolder, 'release', names[process.platform] ?? 'libsynced_memory_node.so');
}

await runAsScript(import.meta.url, buildAddon);
