import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { requireTool } from '../../../scripts/system-packages.mjs';

/** The part of Playwright's locator that the tests use. */
export interface Locator {
  filter(by: { hasText?: RegExp | string; has?: Locator }): Locator;
  first(): Locator;
  getByRole(role: string, options?: { name: RegExp | string }): Locator;
  textContent(): Promise<string | null>;
  allTextContents(): Promise<string[]>;
  getAttribute(name: string): Promise<string | null>;
  count(): Promise<number>;
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  selectOption(value: string): Promise<unknown>;
  focus(): Promise<void>;
  waitFor(): Promise<void>;
}

/** The part of Playwright's page that the tests use. */
export interface Page {
  goto(url: string): Promise<unknown>;
  close(): Promise<void>;
  locator(selector: string): Locator;
  getByRole(role: string, options?: { name: RegExp | string }): Locator;
  evaluate<T = unknown>(script: string): Promise<T>;
  screenshot(options: { path: string }): Promise<unknown>;
  emulateMedia(options: { colorScheme: 'dark' | 'light' }): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  readonly keyboard: { press(key: string): Promise<void> };
  on(event: 'pageerror', listener: (error: Error) => void): void;
}

/** Starts Chromium where the machine has it or may install it; elsewhere prints why not and resolves to undefined. */
export async function openBrowser(project: string) {
  try {
    requireTool('chromium', { debian: ['chromium'], macos: 'brew install --cask chromium' });
  } catch (error) {
    console.log(`skipped: ${(error as Error).message}`);
    return undefined;
  }
  const { chromium } = createRequire(join(project, 'index.js'))('playwright-core');
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Serves the files of a folder over HTTP. */
export async function serveFolder(folder: string): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = join(folder, normalize(pathname === '/' ? '/index.html' : pathname));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
