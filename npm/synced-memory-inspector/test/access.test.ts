// The requests that are refused: by token, origin, host, method and body.
import { request } from 'node:http';
import { Memory } from 'synced-memory';
import { inspector, type RequestHandler, type ServedInspector, serveInspector } from 'synced-memory-inspector';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, post } from './client.js';

const rows = { op: 'rows', from: 0, count: 1 };
let mem: Memory;
let handler: RequestHandler;

beforeAll(async () => {
  mem = await Memory.open('memory:');
  handler = inspector(mem, { authorize: () => true });
});
afterAll(() => mem.$close());

describe('a handler', () => {
  const get = (path = '/') => handler(new Request(`http://localhost:3000${path}`));

  test('needs a memory and a decision on who may see it', () => {
    expect(() => inspector({} as Memory, { authorize: () => true })).toThrow('not an open memory');
    expect(() => inspector(mem, {} as never)).toThrow('say who may see it');
  });

  test('serves one page that runs its own script only, at any path', async () => {
    const page = await get('/admin/inspector');
    const html = await page.text();
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'/,
    );
    expect(policy).not.toMatch(/unsafe|https?:/);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/(?:src|href)="(?!data:,")/);
  });

  test.each([
    ['false', () => false],
    ['a promise of false', async () => false],
    ['an error', () => Promise.reject(new Error('no session'))],
    ['something that is not true', () => 'yes' as unknown as boolean],
  ])('answers 401 where authorize gives %s', async (_, authorize) => {
    const closed = inspector(mem, { authorize });
    expect((await closed(new Request('http://localhost:3000/'))).status).toBe(401);
    const refused = await post(closed, rows);
    expect([refused.status, (await refused.json()).error.code]).toEqual([401, 'ERR_UNAUTHORIZED']);
  });

  test.each([
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://localhost:3001' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, 403],
    [{ origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }, 200],
    // Behind a proxy that ends TLS.
    [{ origin: 'https://localhost:3000' }, 200],
    [{}, 200],
  ])('of a request with %o answers %i', async (headers, status) => {
    expect((await post(handler, rows, headers as Record<string, string>)).status).toBe(status);
  });

  test('accepts the origins that it is given', async () => {
    const origin = 'https://admin.example.com';
    const behind = inspector(mem, { authorize: () => true, origins: [origin] });
    expect((await post(behind, rows, { origin })).status).toBe(200);
    expect((await post(behind, rows, { origin: 'https://example.com' })).status).toBe(403);
  });

  test.each([
    ['text/plain', JSON.stringify(rows), 415],
    ['application/json', '{"op":', 400],
    ['application/json', '{"op":"drop"}', 400],
    ['application/json', '{"op":"rows","from":-1,"count":1}', 400],
    ['application/json', '{"op":"text","path":[]}', 400],
    ['application/json', '{"op":"text","path":[0]}', 400],
    ['application/json', '{"op":"text","path":["a",{}]}', 400],
    ['application/json', '{"op":"text","path":["none"]}', 404],
    ['application/json', 'null', 400],
    ['application/json', `"${'x'.repeat(4_000_001)}"`, 413],
  ])('of a body of type %s, %.40s answers an error', async (type, body, status) => {
    expect((await post(handler, body, { 'content-type': type })).status).toBe(status);
  });

  test('answers GET and POST only', async () => {
    expect((await handler(new Request('http://localhost:3000/', { method: 'DELETE' }))).status).toBe(405);
  });

  test('says what is not there, and refuses edits where it only reads', async () => {
    const client = new Client(handler);
    expect(await client.error({ op: 'text', path: ['tasks', 3] })).toMatchObject({
      status: 404,
      message: 'there is no tasks any more',
    });
    const edit = { op: 'edit', path: ['tasks'], action: 'set', json: '1' };
    expect(await client.error(edit)).toMatchObject({ status: 403, code: 'ERR_READ_ONLY' });
    expect(await client.error({ op: 'undo', edit: '1' })).toMatchObject({ status: 403, code: 'ERR_READ_ONLY' });
    expect('tasks' in mem).toBe(false);
  });
});

describe('the server', () => {
  let served: ServedInspector;
  beforeAll(async () => {
    served = await serveInspector(mem);
  });
  afterAll(() => served.close());

  /** The status of a request to the port of the inspector. */
  function status(path: string, headers: Record<string, string> = {}, body?: string): Promise<number | undefined> {
    const { port } = new URL(served.url);
    return new Promise((resolve, reject) => {
      const options = { port, path, headers, method: body === undefined ? 'GET' : 'POST' };
      const sent = request(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.once('error', reject).end(body);
    });
  }

  const token = () => new URL(served.url).searchParams.get('token') ?? '';
  const json = (authorization?: string) => ({
    'content-type': 'application/json',
    ...(authorization !== undefined && { authorization }),
  });

  test('listens on 127.0.0.1 and has a token of 192 bits', () => {
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
  });

  test('serves the page to those who have the token', async () => {
    expect(await status(`/?token=${token()}`)).toBe(200);
    for (const path of ['/', '/?token=', '/?token=wrong', `/?token=${token()}x`, `/?token=${token().slice(1)}`]) {
      expect(await status(path)).toBe(401);
    }
  });

  test('answers requests with the token in a header only', async () => {
    const body = JSON.stringify(rows);
    expect(await status('/', json(`Bearer ${token()}`), body)).toBe(200);
    expect(await status('/', json('Bearer wrong'), body)).toBe(401);
    expect(await status('/', json(), body)).toBe(401);
    expect(await status(`/?token=${token()}`, json(), body)).toBe(401);
  });

  test('knows one path', async () => {
    for (const path of ['/favicon.ico', '/index.html', `/x?token=${token()}`, '//', '/%2e%2e/']) {
      expect(await status(path)).toBe(404);
    }
  });

  test('refuses names that resolve to its address, and other origins', async () => {
    const { port } = new URL(served.url);
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', '127.0.0.1:1']) {
      expect(await status(`/?token=${token()}`, { host })).toBe(421);
    }
    expect(await status(`/?token=${token()}`, { host: `localhost:${port}` })).toBe(200);
    const headers = { ...json(`Bearer ${token()}`), origin: 'http://evil.example' };
    expect(await status('/', headers, JSON.stringify(rows))).toBe(403);
  });

  test('rejects a port that is taken, and closes while a page is open', async () => {
    const port = Number(new URL(served.url).port);
    await expect(serveInspector(mem, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const own = await serveInspector(mem);
    const headers = json(`Bearer ${new URL(own.url).searchParams.get('token')}`);
    const { body } = await fetch(new URL('/', own.url), { method: 'POST', headers, body: '{"op":"events"}' });
    await own.close();
    await expect(new Response(body).text()).rejects.toThrow();
  });
});
