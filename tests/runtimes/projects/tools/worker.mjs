// A Worker as a user writes one: a memory in each request, over HTTP or over TCP, and a Durable Object that keeps one.
import { DurableObject } from 'cloudflare:workers';
import { Memory } from 'synced-memory';
import { upstash } from 'synced-memory/transports/upstash';
import { workersTcp } from 'synced-memory/transports/workers-tcp';

const transports = {
  '/http': (env, live) => upstash({ url: env.UPSTASH_URL, token: env.UPSTASH_TOKEN, live }),
  '/tcp': (env, live) => workersTcp({ hostname: '127.0.0.1', port: env.REDIS_PORT, live }),
};

export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/cold') return Response.json(await coldStart());
    if (pathname === '/memory') return Response.json(await inThisContext(searchParams.get('who')));
    if (pathname === '/room') return env.ROOM.get(env.ROOM.idFromName('one')).fetch(request);

    const over = searchParams.get('over');
    if (pathname === '/screen') return env.SCREEN.get(env.SCREEN.idFromName(over)).fetch(request);

    const mem = await Memory.open({
      transport: transports[pathname](env),
      names: ['visits'],
      defaults: { visits: [] },
    });
    mem.visits.push(searchParams.get('who'));
    if (searchParams.has('later')) context.waitUntil(mem.$close());
    else await mem.$close();
    return Response.json(mem.visits);
  },
};

/** One memory for as long as the object lives, on which its requests work at the same time. */
export class Room extends DurableObject {
  opened = undefined;

  async fetch(request) {
    const transport = () => upstash({ url: this.env.UPSTASH_URL, token: this.env.UPSTASH_TOKEN });
    this.opened ??= Memory.open({ transport: transport(), names: ['seats'], defaults: { seats: [] } });
    const mem = await this.opened;
    mem.seats.push(new URL(request.url).searchParams.get('who'));
    await mem.$flush();
    return Response.json(mem.seats);
  }
}

/** Shows what others do, without ever asking for it. */
export class Screen extends DurableObject {
  opened = undefined;

  async fetch(request) {
    const over = new URL(request.url).searchParams.get('over');
    this.opened ??= Memory.open({ transport: transports[over](this.env, true), names: ['visits'] });
    const mem = await this.opened;
    return Response.json({ visits: mem.visits, live: mem.$status.capabilities.deltas });
  }
}

/** Milliseconds until the first memory of this isolate is open, and the second. */
async function coldStart() {
  const times = [];
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    const mem = await Memory.open();
    times.push(performance.now() - start);
    await mem.$close();
  }
  return times;
}

/** A memory that no server keeps, opened anew for every request. */
async function inThisContext(who) {
  const mem = await Memory.open({ url: 'memory://visits', defaults: { visits: [] } });
  mem.visits.push(who);
  await mem.$close();
  return mem.visits;
}
