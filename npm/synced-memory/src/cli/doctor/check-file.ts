import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Check } from './check.js';

/** Reports an embedded file: its size, who may read it, and whether its folder can be written. */
export function checkFile(path: string): Check[] {
  const { size, mode } = statSync(path);
  const log = `${path}-wal`;
  const logSize = existsSync(log) ? `, with ${statSync(log).size} bytes of log` : '';
  const isPrivate = process.platform === 'win32' || (mode & 0o077) === 0;
  return [
    { name: 'file', state: 'ok', text: `${size} bytes${logSize}` },
    {
      name: 'file mode',
      state: isPrivate ? 'ok' : 'warning',
      text: (mode & 0o777).toString(8),
      ...(!isPrivate && { remedy: `chmod 600 ${path}, unless other users are to read it` }),
    },
    isWritable(dirname(path))
      ? { name: 'folder', state: 'ok', text: 'can be written' }
      : { name: 'folder', state: 'failed', text: 'cannot be written, which the file needs for its log' },
  ];
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
