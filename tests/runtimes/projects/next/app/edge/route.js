import { Memory } from 'synced-memory';
import { upstash } from 'synced-memory/transports/upstash';
import { visit } from '../visit.js';

export const runtime = 'edge';

export async function GET(request) {
  const transport = upstash({ url: process.env.UPSTASH_URL, token: process.env.UPSTASH_TOKEN });
  return visit(await Memory.open({ transport, names: ['visits'], defaults: { visits: [] } }), request);
}
