// A service in Node. It keeps one memory open: reads are local, and what others do arrives by itself.
//   REDIS_URL=redis://localhost:6379 PORT=3000 node service.js
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Memory } from 'synced-memory';

const mem = await Memory.open({ defaults: { visits: [] } });

const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    mem.visits.push('Node service');
    await mem.$flush(); // acknowledged: nothing can lose it now
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(mem.visits));
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
await once(server, 'listening');
console.log(`listening on http://127.0.0.1:${server.address().port}`);

process.once('SIGTERM', async () => {
  server.close();
  await mem.$close(); // flushes first
});
