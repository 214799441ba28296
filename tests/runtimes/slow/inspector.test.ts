// The inspector's page in Chromium, beside a process that changes the memory. INSPECTOR_SCREENSHOTS names a folder for pictures.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Memory } from 'synced-memory';
import { type ServedInspector, serveInspector } from 'synced-memory-inspector';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedisServer } from '../../../scripts/redis-server.mjs';
import { installProject } from '../../../scripts/runtime-projects.mjs';
import { openBrowser, type Page } from './browser.js';

const project = installProject('bundlers');
const browser = await openBrowser(project);
const axe = readFileSync(createRequire(join(project, 'index.js')).resolve('axe-core/axe.min.js'), 'utf8');
let redis: Awaited<ReturnType<typeof startRedisServer>>;
let mem: Memory;
let other: Memory;
let served: ServedInspector;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  redis = await startRedisServer();
});
afterAll(async () => {
  await browser?.close();
  await redis?.stop();
});

/** Opens a page on the memory; the script that the browser runs must not fail. */
async function openPage(url = served.url, options = {}): Promise<Page> {
  const opened: Page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  opened.on('pageerror', (error) => errors.push(error.message));
  await opened.goto(url);
  return opened;
}

const row = (on: Page, name: string) => on.locator('.row').filter({ has: on.locator(`.key:text-is("${name}")`) });
const textsOf = (on: Page, selector: string) => on.locator(selector).allTextContents();

async function screenshot(on: Page, name: string): Promise<void> {
  const folder = process.env.INSPECTOR_SCREENSHOTS;
  if (folder) await on.screenshot({ path: join(folder, `${name}.png`) });
}

/** The violations that axe finds. It is evaluated by the debugger, because the page lets no other script run. */
async function violations(on: Page): Promise<string[]> {
  await on.evaluate(axe);
  const { violations: found } = await on.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
    'axe.run()',
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describe.runIf(browser)('the page', () => {
  beforeEach(async () => {
    errors.length = 0;
    const prefix = `${crypto.randomUUID()}:`;
    mem = await Memory.open({ url: redis.url, prefix, history: { max: 100, names: ['tasks'] }, onError: () => {} });
    mem.tasks = [{ title: 'draft', done: false }];
    mem.config = { theme: 'dark', big: 12345678901234567890n };
    await mem.$flush();
    other = await Memory.open({ url: redis.url, prefix });
    served = await serveInspector(mem, { write: true });
    page = await openPage();
    await row(page, 'tasks').waitFor();
  });
  afterEach(async () => {
    await page.close();
    await served.close();
    await Promise.all([mem.$close(), other.$close()]);
    expect(errors).toEqual([]);
  });

  test('shows what another process changes, in the tree and in the feed', async () => {
    await row(page, 'tasks').click();
    await row(page, '0').click();
    await row(page, 'title').waitFor();
    other.tasks[0].title = 'changed';
    other.tasks.push({ title: 'new' });
    await other.$flush();
    await expect.poll(() => row(page, 'title').textContent()).toContain('"changed"');
    await expect.poll(() => row(page, '1').textContent()).toContain('"new"');
    await expect.poll(() => textsOf(page, '.change .key')).toEqual(['tasks[1]', 'tasks[0].title']);
    expect(await textsOf(page, '.change del')).toEqual(['"draft"']);
    await screenshot(page, 'wide');
  });

  test('filters and pauses the feed, and finds the value of a change', async () => {
    await page.locator('.feed input').fill('config');
    other.config.theme = 'light';
    other.tasks[0].done = true;
    await other.$flush();
    await expect.poll(() => textsOf(page, '.change .key')).toEqual(['config.theme']);
    await page.getByRole('button', { name: 'Pause' }).click();
    other.config.theme = 'blue';
    await other.$flush();
    await expect.poll(() => page.locator('.feed .count').textContent()).toBe('1 newer');
    expect(await textsOf(page, '.change .key')).toEqual(['config.theme']);
    await page.getByRole('button', { name: 'Go on' }).click();
    await expect.poll(() => textsOf(page, '.change .key')).toEqual(['config.theme', 'config.theme']);
    await page.locator('.change .key').first().click();
    await expect.poll(() => page.locator('.row.active').textContent()).toContain('theme"blue"');
  });

  test('edits by keyboard, says where JSON is wrong, and undoes', async () => {
    await page.locator('.tree').focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    await expect.poll(() => page.locator('.row.active').textContent()).toContain('big12345678901234567890');
    await page.keyboard.press('Enter');
    await page.locator('textarea:not([readonly])').fill('{"a": tru}');
    await page.keyboard.press('Control+Enter');
    await expect
      .poll(() => page.locator('[role=alert]').textContent())
      .toBe('this is not JSON: a value is expected (line 1, column 7)');
    await expect.poll(() => page.evaluate('document.activeElement.selectionStart')).toBe(6);
    expect(await violations(page)).toEqual([]);
    await page.locator('textarea').fill('98765432109876543210');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => page.locator('.notice').textContent()).toContain('Saved config.big');
    await other.$sync();
    expect(other.config.big).toBe(98765432109876543210n);
    await page.locator('.tree').focus();
    await page.keyboard.press('Control+z');
    await expect.poll(() => page.locator('.notice').textContent()).toContain('Undone');
    await other.$sync();
    expect(other.config.big).toBe(12345678901234567890n);
  });

  test('adds and removes attributes', async () => {
    await page.getByRole('button', { name: 'New…' }).click();
    await page.locator('dialog input').fill('added');
    await page.locator('dialog textarea').fill('["x"]');
    await page.getByRole('button', { name: 'Add' }).click();
    await expect.poll(() => page.locator('.row.active').textContent()).toContain('added');
    await page.locator('.tree').focus();
    await page.keyboard.press('Delete');
    await expect.poll(() => textsOf(page, '.row .key')).toHaveLength(2);
    await other.$sync();
    expect('added' in other).toBe(false);
  });

  test('of two pages that edit at once, the second one sees what the first has stored', async () => {
    const second = await openPage();
    for (const each of [page, second]) {
      await row(each, 'config').getByRole('button').click();
      await each.locator('textarea:not([readonly])').waitFor();
    }
    await page.locator('textarea').fill('{"theme": "first"}');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => page.locator('dialog').count()).toBe(0);
    await second.locator('textarea').fill('{"theme": "second"}');
    await second.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => second.locator('[role=alert]').textContent()).toContain('has changed since it was opened');
    expect(mem.config).toEqual({ theme: 'first' });
    await second.getByRole('button', { name: 'Overwrite' }).click();
    await expect.poll(() => second.locator('dialog').count()).toBe(0);
    expect(mem.config).toEqual({ theme: 'second' });
    await second.close();
  });

  test('shows a conflict', async () => {
    await other.$sync();
    delete other.tasks;
    // It blocks, so that the mutation below is made before the deletion arrives.
    other.$flushSync();
    mem.tasks[0].title = 'lost';
    await mem.$flush();
    await page.getByRole('tab', { name: /Incidents/ }).click();
    await expect.poll(() => textsOf(page, '.incident .kind')).toEqual(['conflict']);
    expect(await textsOf(page, '.incident .preview')).toEqual(['Now tasks is gone']);
    expect(await violations(page)).toEqual([]);
    await screenshot(page, 'incidents');
  });

  test('travels through the history of an attribute, and restores a revision', async () => {
    for (const title of ['second', 'third']) {
      mem.tasks[0].title = title;
      await mem.$flush();
    }
    await row(page, 'tasks').getByRole('button').click();
    await page.getByRole('button', { name: 'History' }).click();
    const lines = (selector: string) => textsOf(page, `dialog pre ${selector}`);
    await expect.poll(() => lines('ins')).toEqual(['    "title": "third",']);
    expect(await lines('del')).toEqual(['    "title": "second",']);
    expect(await violations(page)).toEqual([]);
    await page.locator('dialog select').selectOption('0');
    await expect.poll(() => lines('del')).toEqual(['    "title": "draft",']);
    await screenshot(page, 'history');
    await page.locator('dialog input[type=range]').focus();
    await page.keyboard.press('Home');
    await page.locator('dialog select').selectOption('now');
    await expect.poll(() => lines('del')).toEqual(['    "title": "draft",']);
    expect(await lines('ins')).toEqual(['    "title": "third",']);
    await page.getByRole('button', { name: 'Restore this revision' }).click();
    await expect.poll(() => page.locator('.notice').textContent()).toContain('Restored tasks');
    await other.$sync();
    expect(other.tasks).toEqual([{ title: 'draft', done: false }]);
  });

  test('values with script tags and keys with a meaning are text', async () => {
    const script = '<img src=x onerror="document.title = 1"><script>document.title = 2</script>';
    mem[script] = { [script]: script };
    mem.odd = JSON.parse('{"__proto__": {"x": 1}}');
    await page.locator('.row').filter({ hasText: 'onerror' }).click();
    await expect.poll(() => page.locator('.row').filter({ hasText: 'onerror' }).count()).toBe(2);
    await page.locator('.row').filter({ hasText: 'odd' }).click();
    await row(page, '__proto__').click();
    await row(page, 'x').waitFor();
    expect(await page.evaluate('document.title')).toBe('synced-memory inspector');
    expect(await page.locator('img').count()).toBe(0);
  });

  test('a process that goes away and comes back is followed', async () => {
    const { port, search } = new URL(served.url);
    await served.close();
    await expect.poll(() => page.locator('.banner').textContent()).toContain('is away');
    expect(await row(page, 'tasks').count()).toBe(1);
    served = await serveInspector(mem, { port: Number(port) });
    await expect.poll(() => page.locator('.banner').textContent()).toContain('not valid any more');
    expect(new URL(served.url).search).not.toBe(search);
  });

  test('is accessible in dark and light, and fits a phone', async () => {
    await mem.$expire('tasks', 1000);
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const name of ['Changes', 'Incidents', 'Process']) {
        await page.getByRole('tab', { name }).click();
        expect(await violations(page)).toEqual([]);
      }
      await screenshot(page, `wide-${colorScheme}`);
    }
    await page.setViewportSize({ width: 390, height: 780 });
    for (const name of ['Attributes', 'Changes', 'Incidents', 'Process']) {
      await page.getByRole('tab', { name }).click();
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      await screenshot(page, `phone-${name.toLowerCase()}`);
    }
  });

  test('stays responsive with 10,000 attributes, a document of 20 MB and 5,000 changes a second', async () => {
    mem.big = Array.from({ length: 200_000 }, (_, id) => ({ id, text: 'x'.repeat(70), tags: ['a', 'b'] }));
    await mem.$flush();
    for (let index = 0; index < 10_000; index++) mem[`item${index}`] = index;
    await mem.$flush();
    await page.locator('.row').filter({ hasText: '≈' }).click();
    await expect.poll(() => page.locator('.tree').getAttribute('data-rows')).toBe('210003');
    let made = 0;
    const began = performance.now();
    const timer = setInterval(() => {
      for (const due = (performance.now() - began) * 5; made < due; made++) mem[`item${made % 10_000}`] = -made;
    }, 10);
    const frames = await page.evaluate<number>(
      `new Promise((resolve) => {
        let frames = 0;
        const began = performance.now();
        requestAnimationFrame(function count(now) {
          frames++;
          if (now - began < 3000) requestAnimationFrame(count); else resolve(frames);
        });
      })`,
    );
    clearInterval(timer);
    console.log(`${frames} of 180 frames, ${Math.round((made / (performance.now() - began)) * 1000)} changes a second`);
    expect(frames).toBeGreaterThan(60);
    await page.locator('.tree').focus();
    await page.keyboard.press('End');
    await expect.poll(() => page.locator('.row.active').textContent()).toContain('tasks');
  });
});
