// webpack and Vite builds: in headless Chromium, where it can be had, and in Node.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { printed } from '../tools.js';
import { openBrowser, type Page, serveFolder } from './browser.js';

const folder = installProject('bundlers');
const browser = await openBrowser(folder);
afterAll(() => browser?.close());

beforeAll(async () => {
  await printed(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn'], folder);
  const { default: webpack } = await import(join(folder, 'node_modules/webpack/lib/index.js'));
  const { default: config } = await import(join(folder, 'webpack.config.js'));
  const stats = await new Promise<{ toJson(): { errors: unknown[]; warnings: { message: string }[] } }>(
    (resolve, reject) => {
      const options = config.map((one: object) => ({ ...one, context: folder, performance: false }));
      webpack(options, (error, result) => (error ? reject(error) : resolve(result)));
    },
  );
  const { errors, warnings } = stats.toJson();
  expect([...errors, ...warnings]).toEqual([]);
  cpSync(join(folder, 'index.html'), join(folder, 'dist-webpack/index.html'));
});

async function checkPage(url: string): Promise<void> {
  const page: Page = await browser.newPage();
  const errors: unknown[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  const shown = page.locator('#tasks').filter({ hasText: /./ });
  expect(await shown.textContent()).toBe('["draft"]');
  expect(errors).toEqual([]);
}

test.runIf(browser).each(['vite', 'webpack'])('in Chromium: the build of %s', async (bundler) => {
  const site = await serveFolder(join(folder, `dist-${bundler}`));
  await checkPage(site.url).finally(site.stop);
});

test.runIf(browser)("in Chromium: from Vite's development server", async () => {
  const { createServer } = await import(join(folder, 'node_modules/vite/dist/node/index.js'));
  const server = await createServer({ root: folder, logLevel: 'warn', server: { host: '127.0.0.1', port: 0 } });
  await server.listen();
  await checkPage(server.resolvedUrls.local[0]).finally(() => server.close());
});

test('in Node: a build of webpack, with the addon and with wasm', async () => {
  const lines = await printed(process.execPath, ['dist-node/program.mjs'], folder);
  expect(lines).toBe('["draft","review"]\n["draft","review"]');
});
