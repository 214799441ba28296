// The folders that scripts work in.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** The folder that cargo builds into. */
export const targetFolder = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** The folder of the package `synced-memory`. */
export const packageFolder = join(root, 'npm/synced-memory');

/** The folder of the package `synced-memory-inspector`. */
export const inspectorFolder = join(root, 'npm/synced-memory-inspector');

/** The time at which a file was last modified, in milliseconds; 0 for a file that does not exist. */
export function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
