// The part of Upstash's REST API that the transport uses, in front of a local server.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from 'redis';

export interface UpstashServer {
  url: string;
  token: string;
  /** The bodies of all requests, and the sync tokens that came with them. */
  requests: { commands: string[][]; syncToken: string | undefined }[];
  /** Status of the next response, without executing anything. */
  failNext(status: number): void;
  /** Sets the maximum size of a request, in bytes. */
  limitTo(bytes: number): void;
  /** Ends all event streams. */
  cutStreams(): void;
  /** Keeps the present event streams open without sending anything more. */
  silence(): void;
  /** True if subscription requests are not answered. */
  hangStreams(hang: boolean): void;
  /** Number of open subscription requests. */
  readonly streams: number;
  stop(): Promise<void>;
}

/** With `takesHeader`, scripts may begin with Upstash's header, which other servers do not know. */
export async function startUpstashServer(
  redisUrl: string,
  { takesHeader }: { takesHeader: boolean },
): Promise<UpstashServer> {
  const token = 'the-token';
  const client = createClient({ url: redisUrl });
  await client.connect();
  const requests: UpstashServer['requests'] = [];
  const failures: number[] = [];
  let limit = 10_000_000;
  const header = '#!lua flags=allow-key-locking\n';
  /** SHA-1 of the script without the header, by that of the script with it. */
  const plainSha = new Map<string, string>();

  async function carryOut([name = '', first = '', ...rest]: string[]): Promise<unknown> {
    let command = [name, first, ...rest];
    if (takesHeader && name === 'EVAL' && first.startsWith(header)) {
      const script = first.slice(header.length);
      plainSha.set(await sha1(first), await sha1(script));
      command = [name, script, ...rest];
    }
    if (takesHeader && name === 'EVALSHA') command = [name, plainSha.get(first) ?? first, ...rest];
    try {
      return { result: encode(await client.sendCommand(command, { typeMapping: { 36: Buffer } })) };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  /** Payloads go out as they are, like Upstash's: a line feed in one is one in the stream. */
  let hanging = false;
  const streams = new Set<{ response: ServerResponse; silent: boolean }>();
  async function listen(channel: string, response: ServerResponse): Promise<void> {
    const subscriber = client.duplicate();
    const stream = { response, silent: false };
    streams.add(stream);
    const end = () => {
      streams.delete(stream);
      if (subscriber.isOpen) subscriber.destroy();
      response.destroy();
    };
    subscriber.on('error', end);
    response.on('close', end);
    if (hanging) return;
    await subscriber.connect();
    if (response.destroyed) return end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await subscriber.subscribe(channel, (payload) => {
      if (!stream.silent) response.write(`data: message,${channel},${payload}\n\n`);
    });
    response.write(`: welcome\nevent: message\ndata: subscribe,${channel},1\n\n`);
  }

  const http = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'upstash-sync-token': `sync-${requests.length}`,
      });
      response.end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401, { error: 'Unauthorized' });
    const channel = /^\/subscribe\/(.+)$/.exec(request.url ?? '')?.[1];
    if (channel !== undefined) return listen(decodeURIComponent(channel), response);
    const failure = failures.shift();
    if (failure !== undefined) return answer(failure, { error: 'not now' });
    const body = Buffer.concat(parts);
    if (body.length > limit) return answer(413, { error: 'max request size exceeded' });
    const commands: string[][] = JSON.parse(body.toString());
    requests.push({ commands, syncToken: request.headers['upstash-sync-token'] as string | undefined });
    const results: unknown[] = [];
    for (const command of commands) results.push(await carryOut(command));
    answer(200, results);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    token,
    requests,
    failNext: (status) => failures.push(status),
    limitTo: (bytes) => {
      limit = bytes;
    },
    cutStreams: () => {
      for (const { response } of streams) response.destroy();
    },
    hangStreams: (hang) => {
      hanging = hang;
    },
    get streams() {
      return streams.size;
    },
    silence: () => {
      for (const stream of streams) stream.silent = true;
    },
    async stop() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      client.destroy();
    },
  };
}

/** Strings in base64, at every depth. */
function encode(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'string' && value !== 'OK') return Buffer.from(value).toString('base64');
  return Array.isArray(value) ? value.map(encode) : value;
}

async function sha1(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from(text))).toString('hex');
}
