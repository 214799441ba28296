// An edge function as Vercel runs it. The runtime's events are what its emulator takes.
import { Memory } from 'synced-memory';
import { upstash } from 'synced-memory/transports/upstash';

addEventListener('fetch', (event) => event.respondWith(handle(event.request)));

async function handle(request) {
  const { url, token } = Object.fromEntries(request.headers);
  const mem = await Memory.open({ transport: upstash({ url, token }), names: ['visits'], defaults: { visits: [] } });
  mem.visits.push(new URL(request.url).searchParams.get('who'));
  await mem.$close();
  return Response.json(mem.visits);
}
