// Vercel's emulator of its edge runtime.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedisServer } from '../../scripts/redis-server.mjs';
import { startUpstashServer, type UpstashServer } from '../edge/upstash-server.js';
import { bundle } from './bundle.js';
import { load } from './tools.js';

let redis: Awaited<ReturnType<typeof startRedisServer>>;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedisServer();
  upstash = await startUpstashServer(redis.url, { takesHeader: false });
});
afterAll(async () => {
  await upstash?.stop();
  await redis?.stop();
});

/** In Next's edge runtime, functions of Node are there, and throw when they are called. */
const refuseNodeApi = () => {
  throw new Error('A Node.js API is used which is not supported in the Edge Runtime.');
};

test('an edge function: the edge-light build with a compiled wasm module', async () => {
  // The platform compiles what is imported with `?module`, and hands it to the function as a variable.
  const compiled: string[] = [];
  const asVariable = {
    name: 'compiled-wasm',
    setup(build) {
      build.onLoad({ filter: /\.wasm$/ }, ({ path, suffix }) => {
        expect(suffix).toBe('?module');
        compiled.push(path);
        return { contents: 'export default compiledWasm;' };
      });
    },
  };
  const folder = await bundle('edge-function.mjs', ['edge-light', 'worker', 'browser'], {
    format: 'iife',
    plugins: [asVariable],
  });
  // The second is for memory: URLs. Such a bundle is one file: what it may need late is in it.
  expect(compiled.map((path) => basename(path)).sort()).toEqual(['core.wasm', 'in-process.wasm']);

  const { EdgeRuntime } = load('edge-runtime');
  const core = compiled.find((path) => basename(path) === 'core.wasm');
  const compiledWasm = await WebAssembly.compile(readFileSync(core as string));
  const runtime = new EdgeRuntime({
    initialCode: readFileSync(join(folder, 'edge-function.mjs'), 'utf8'),
    extend: (context) =>
      Object.assign(context, {
        compiledWasm,
        process: { getBuiltinModule: refuseNodeApi },
        setImmediate: refuseNodeApi,
      }),
  });
  const headers = { url: upstash.url, token: upstash.token };
  const visit = async (who: string) => (await runtime.dispatchFetch(`http://edge/?who=${who}`, { headers })).json();
  expect(await visit('ann')).toEqual(['ann']);
  expect(await visit('bob')).toEqual(['ann', 'bob']);
});
