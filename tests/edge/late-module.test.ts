// Service workers refuse import(), so nothing can be loaded late there.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = `
import { register } from 'node:module';
const refuse = 'export async function resolve(specifier, context, next) {' +
  'if (specifier === "#memory") throw new TypeError("import() is disallowed");' +
  'return next(specifier, context); }';
register('data:text/javascript,' + encodeURIComponent(refuse));
const { Memory } = await import('synced-memory/edge');
await Memory.open('memory:').catch(({ code, message, cause }) => console.log(code, message, cause.message));
`;

test('without import(), opening without a transport throws an error that names the remedy', async () => {
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  expect(stdout).toMatch(/^ERR_OPTIONS .* \{ transport: memory\(\) \}.* import\(\) is disallowed/);
});
