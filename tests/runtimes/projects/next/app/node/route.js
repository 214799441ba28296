import { Memory } from 'synced-memory';
import { visit } from '../visit.js';

export async function GET(request) {
  return visit(await Memory.open({ url: process.env.REDIS_URL, names: ['visits'], defaults: { visits: [] } }), request);
}
