// The packed inspector, mounted as docs/inspector.md says: in Node's http, Express, Fastify and Hono, and as the routes of Next.

import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/paths.mjs';
import { load } from './tools.js';

type Handler = (request: Request) => Promise<Response>;

const { Memory } = load('synced-memory');
const { inspector, nodeListener } = await import(pathToFileURL(load.resolve('synced-memory-inspector')).href);

let mem: { tasks: string[]; $close(): Promise<void> };
let handler: Handler;
beforeAll(async () => {
  mem = await Memory.open('memory:');
  mem.tasks = ['draft'];
  handler = inspector(mem, { authorize: ({ headers }: Request) => headers.get('authorization') === 'Bearer secret' });
});
afterAll(() => mem.$close());

/** The lines of the page's example that mount the handler in a framework. */
const example = readFileSync(join(root, 'docs/inspector.md'), 'utf8').match(/^```js\n(app\.all.*?)^```$/ms)?.[1] ?? '';

/** Runs the part of the example that a comment names. */
function mount(framework: string, names: Record<string, unknown>): void {
  const program = example.split('\n\n').find((part) => part.includes(`// ${framework}`)) ?? '';
  expect(program).toContain('/inspector');
  new Function(...Object.keys(names), program)(...Object.values(names));
}

/** Asks for the page, for rows and for events. */
async function check(send: (path: string, init: RequestInit) => Promise<Response>): Promise<void> {
  const headers = { authorization: 'Bearer secret', 'content-type': 'application/json' };
  expect((await send('/inspector', {})).status).toBe(401);
  expect(await (await send('/inspector', { headers })).text()).toMatch(/^<!doctype html>/);
  const post = (body: object) => send('/inspector', { method: 'POST', headers, body: JSON.stringify(body) });
  const rows = await post({ op: 'rows', from: 0, count: 10 });
  expect(await rows.json()).toMatchObject({ total: 1, rows: [{ path: ['tasks'], preview: '["draft"]' }] });
  const { body } = await post({ op: 'events' });
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^{"type":"hello"/);
  await reader.cancel();
}

async function checkServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await check((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init));
  server.closeAllConnections();
  server.close();
}

test("Node's http", () => checkServer(createServer(nodeListener(handler))));

test.each([true, false])('Express, with a parser of bodies: %s', async (hasParser) => {
  const express = load('express');
  const app = express();
  if (hasParser) app.use(express.json());
  mount('Express', { app, nodeListener, handler });
  await checkServer(createServer(app as RequestListener));
});

test('Fastify', async () => {
  const fastify = load('fastify')();
  mount('Fastify', { fastify, nodeListener, handler });
  await fastify.ready();
  await checkServer(fastify.server);
  await fastify.close();
});

test('Hono', async () => {
  const { Hono } = await import(pathToFileURL(load.resolve('hono')).href);
  const app = new Hono();
  mount('Hono', { app, handler });
  await check((path, init) => app.request(path, init));
});

test('a route of Next', () => check((path, init) => handler(new Request(`http://localhost:3000${path}`, init))));
