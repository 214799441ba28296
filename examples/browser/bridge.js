// Serves the page, and carries its commands to Redis: a browser has no sockets of its own.
//   REDIS_URL=redis://localhost:6379 PORT=3001 npm run browser
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createClient } from 'redis';
import { WebSocketServer } from 'ws';
import { allowedCommands } from './allowed.js';

const prefix = 'memory:';
const isAllowed = await allowedCommands(prefix);

// The server says which of the keys that were read here anybody changed, Python included.
const redis = createClient({ url: process.env.REDIS_URL, RESP: 3, emitInvalidate: true });
redis.on('error', ({ message }) => console.error(message));
await redis.connect();

const files = {
  '/': ['index.html', 'text/html'],
  '/page.js': ['dist/page.js', 'text/javascript'],
};

const server = createServer(async (request, response) => {
  const [file, type] = files[request.url] ?? [];
  if (file === undefined) return response.writeHead(404).end();
  response.setHeader('content-type', type);
  response.end(await readFile(new URL(file, import.meta.url)));
});

const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  const changed = (key) => key !== null && socket.send(JSON.stringify({ changed: [String(key)] }));
  redis.on('invalidate', changed);
  socket.on('close', () => redis.off('invalidate', changed));
  socket.on('message', async (data) => {
    try {
      const { id, commands } = JSON.parse(data);
      if (!commands.every(isAllowed)) return socket.close(1008, 'not allowed');
      const replies = await Promise.all(commands.map(carryOut));
      socket.send(JSON.stringify({ id, replies }));
    } catch {
      socket.close(1011); // The page asks again.
    }
  });
});

/** An error of the server is a reply, too. */
function carryOut(command) {
  return redis.sendCommand(command).catch((error) => {
    if (/^[A-Z]+ /.test(error.message)) return { message: error.message };
    throw error;
  });
}

server.listen(Number(process.env.PORT ?? 3001), '127.0.0.1');
await once(server, 'listening');
console.log(`listening on http://127.0.0.1:${server.address().port}`);
