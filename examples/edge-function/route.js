// A route of Next.js (app/visits/route.js) on Vercel's edge runtime; without the first line it runs in Node as well.
export const runtime = 'edge';

import { Memory } from 'synced-memory/edge';
import { upstash } from 'synced-memory/transports/upstash';

const open = () =>
  Memory.open({
    transport: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN }),
    names: ['visits'],
    defaults: { visits: [] },
  });

export async function GET() {
  const mem = await open();
  await mem.$close();
  return Response.json(mem.visits);
}

export async function POST() {
  const mem = await open();
  mem.visits.push('edge function');
  await mem.$close(); // flushes first
  return Response.json(mem.visits);
}
