// The example of a page in the browser: in two tabs, beside a process that writes to the same memory.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Memory } from 'synced-memory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/paths.mjs';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { startProgram } from '../programs.js';
import { printed, program, tools } from '../tools.js';
import { openBrowser, type Page } from './browser.js';

const browser = await openBrowser(installProject('bundlers'));
const examples = join(tools, 'examples');
let redis: Awaited<ReturnType<typeof startRedisServer>>;
let bridge: Awaited<ReturnType<typeof startProgram>>;

beforeAll(async () => {
  cpSync(join(root, 'examples'), examples, { recursive: true });
  const build = ['browser/page.js', '--bundle', '--format=esm', '--outfile=browser/dist/page.js', '--log-level=error'];
  await printed(program('esbuild'), build, examples);
  redis = await startRedisServer();
  bridge = await startProgram(join(examples, 'browser/bridge.js'), { REDIS_URL: redis.url, PORT: '0' });
});
afterAll(async () => {
  await browser?.close();
  await bridge?.stop();
  await redis?.stop();
});

const shown = (page: Page) => page.locator('li').allTextContents();

test.runIf(browser)('two tabs and a process see each other', async () => {
  const pages: Page[] = [await browser.newPage(), await browser.newPage()];
  const [one, two] = pages as [Page, Page];
  for (const page of pages) await page.goto(bridge.url);
  await one.locator('button').click();
  await expect.poll(() => shown(two)).toEqual(['browser']);

  await using mem = await Memory.open<{ visits: string[] }>(redis.url);
  mem.visits.push('Node');
  for (const page of pages) await expect.poll(() => shown(page)).toEqual(['browser', 'Node']);
  await Promise.all(pages.map((page) => page.locator('button').click()));
  for (const page of pages) await expect.poll(() => shown(page)).toHaveLength(4);
  await mem.$sync();
  expect(mem.visits).toHaveLength(4);
});

test('the bridge executes only the commands that a memory needs', async () => {
  const { allowedCommands } = await import(join(examples, 'browser/allowed.js'));
  const isAllowed = await allowedCommands('memory:');
  expect(isAllowed(['GET', 'memory:visits'])).toBe(true);
  expect(isAllowed(['GET', 'passwords'])).toBe(false);
  expect(isAllowed(['INFO', 'memory'])).toBe(true);
  expect(isAllowed(['PEXPIRE', `sm:{memory:visits}:${'x'.repeat(22)}`, '120000'])).toBe(true);
  expect(isAllowed(['PEXPIRE', 'sm:{memory:}:secret', '1'])).toBe(false);
  expect(isAllowed(['FLUSHALL'])).toBe(false);
  expect(isAllowed(['EVAL', "return redis.call('FLUSHALL')", '1', 'memory:visits'])).toBe(false);
});
