// A Cloudflare Worker. A memory in each request: one round trip to open it, one to flush what the request did.
// Bundled by wrangler: the condition `workerd` picks the wasm build.
import { Memory } from 'synced-memory';
import { upstash } from 'synced-memory/transports/upstash';

export default {
  async fetch(request, env) {
    const mem = await Memory.open({
      transport: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
      names: ['visits'],
      defaults: { visits: [] },
    });
    if (request.method === 'POST') mem.visits.push('Worker');
    await mem.$close(); // flushes first; or context.waitUntil(mem.$close()) to answer at once
    return Response.json(mem.visits);
  },
};
