import { optionsError, SyncedMemoryError } from '../base/errors.js';
import { bindsIoToRequests } from '../base/runtime.js';
import type { Command, Listener, Reply, Transport } from '../engine/transport.js';
import { isErrorReply } from './error-reply.js';
import { readEventStream } from './event-stream.js';
import { Heartbeat } from './heartbeat.js';

/** Options of {@link upstash}. */
export interface UpstashOptions {
  /** URL of the REST API: `https://<name>.upstash.io`. */
  url: string;
  /** Token of the REST API. */
  token: string;
  /**
   * Receives commits of other writers at once, over a response that stays open for each memory (server-sent events). For memories
   * that outlive a request: in pages, servers, Durable Objects. Default: false; `$sync()` finds such commits.
   */
  live?: boolean;
  /** Sends the requests. Default: the runtime's own `fetch`. */
  fetch?: typeof fetch;
}

/** Makes Upstash lock the keys of a script instead of the whole database. Other servers refuse it. */
const KEY_LOCKING = '#!lua flags=allow-key-locking\n';
/** Errors of servers that do not know the header: of Redis 7, and of servers that compile it as Lua. */
const HEADER_REFUSED = /shebang|Error compiling script|unexpected symbol/i;

/**
 * A transport over Upstash's REST API, or a compatible server. It does not retry; the memory does, and applies nothing twice. Throws
 * ERR_OPTIONS without a URL or a token.
 */
export function upstash(options: UpstashOptions): Transport {
  // An environment variable that is not set is the usual mistake.
  if (!/^https?:\/\/./.test(options?.url) || typeof options.token !== 'string' || options.token === '') {
    throw optionsError('upstash takes the url and the token of a REST API, such as https://….upstash.io');
  }
  return new UpstashTransport(options);
}

/** SHA-1 digests of scripts with the header, by the digest of the script without it. */
const shaWithHeader = new Map<string, string>();
/** Addresses of servers that do not know the header. */
const withoutHeader = new Set<string>();

class UpstashTransport implements Transport {
  readonly subscribe?: NonNullable<Transport['subscribe']>;
  readonly lifetime: 'process' | 'request';
  readonly #base: string;
  readonly #address: string;
  /** Sent back with every request, so that the replica that answers has every earlier write. */
  #syncToken = '';
  readonly #options: UpstashOptions;

  constructor(options: UpstashOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
    this.#address = `${this.#base}/pipeline`;
    this.lifetime = options.live !== true && bindsIoToRequests() ? 'request' : 'process';
    if (options.live === true) this.subscribe = (...args) => this.#listen(...args);
  }

  async execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    const hasHeader = !withoutHeader.has(this.#address);
    for (const [name, script] of hasHeader ? commands : []) {
      if (name === 'EVAL') shaWithHeader.set(await sha1(script as string), await sha1(KEY_LOCKING + script));
    }
    const replies: (Reply | undefined)[] = commands.map((command) => replyLocally(command, hasHeader));
    const send = async (indexes: number[], prepare: (command: Command) => Command) => {
      if (indexes.length === 0) return;
      const received = await this.#request(
        indexes.map((index) => prepare(commands[index] as Command)),
        signal,
      );
      for (const [at, index] of indexes.entries()) replies[index] = received[at] as Reply;
    };
    const open = commands.flatMap((_, index) => (replies[index] === undefined ? [index] : []));
    await send(open, hasHeader ? addHeader : (command) => command);
    // A script that did not compile has changed nothing. Later scripts of the pipeline failed in the same way.
    const refused = open.filter((index) => hasHeader && isHeaderRefused(commands[index] as Command, replies[index]));
    if (refused.some((index) => commands[index]?.[0] === 'EVAL')) {
      withoutHeader.add(this.#address);
      await send(refused, (command) => command);
    }
    return replies as Reply[];
  }

  /** Subscribes by server-sent events. A message is one event, of one line unless a key has a line feed. */
  async #listen(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void> {
    const address = `${this.#base}/subscribe/${encodeURIComponent(channel)}`;
    const end = new AbortController();
    signal?.addEventListener('abort', () => end.abort());
    const { ok, status, body } = await this.#post(address, { accept: 'text/event-stream' }, null, end.signal);
    if (!ok || body === null) throw new Error(`${address} answered with status ${status}`);
    const events = readEventStream(body);
    // The first event confirms the subscription.
    if ((await events.next()).done) throw new Error(`${address} ended the stream at once`);
    const lost = (error: unknown): void => {
      heartbeat.stop();
      end.abort();
      listener.lost(error);
    };
    const heartbeat = new Heartbeat(this, () => channel, lost);
    const start = `message,${channel},`;
    const read = async (): Promise<void> => {
      for await (const data of events) {
        heartbeat.noteMessage();
        if (data.startsWith(start)) listener.message(data.slice(start.length));
      }
      throw new Error('the server ended the stream');
    };
    read().catch(lost);
    return () => {
      heartbeat.stop();
      end.abort();
    };
  }

  async #post(address: string, headers: object, body: string | null, signal?: AbortSignal): Promise<Response> {
    const { token, fetch: send = fetch } = this.#options;
    const response = await send(address, {
      method: 'POST',
      // Some frameworks cache responses. Workers with an old compatibility date throw for this option.
      ...('cache' in Request.prototype ? { cache: 'no-store' as const } : {}),
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 401 || response.status === 403) {
      throw new SyncedMemoryError('ERR_AUTH', `${address} refused the token; correct the option token`);
    }
    return response;
  }

  async #request(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    const headers = {
      'content-type': 'application/json',
      'upstash-encoding': 'base64',
      ...(this.#syncToken === '' ? {} : { 'upstash-sync-token': this.#syncToken }),
    };
    const response = await this.#post(this.#address, headers, JSON.stringify(commands), signal);
    const body: unknown = await response.json().catch(() => undefined);
    const { error } = Object(body) as { error?: unknown };
    if (response.status === 413 || /max request size/i.test(String(error))) {
      // Nothing was executed. A single command that is too large cannot be split.
      if (commands.length === 1) return [{ message: `ERR ${error ?? 'the request is too large'}` }];
      const half = commands.length >> 1;
      const first = await this.#request(commands.slice(0, half), signal);
      return [...first, ...(await this.#request(commands.slice(half), signal))];
    }
    if (!response.ok || !Array.isArray(body))
      throw new Error(`${this.#address} answered with status ${response.status}`);
    this.#syncToken = response.headers.get('upstash-sync-token') ?? this.#syncToken;
    return body.map(toReply);
  }
}

/** The reply to a command that is not sent; undefined for one that is. */
function replyLocally(command: Command, hasHeader: boolean): Reply | undefined {
  if (command.some((argument) => typeof argument !== 'string')) {
    return { message: 'ERR the stored text is not UTF-8, which this transport cannot send; use another transport' };
  }
  const [name, sha] = command as string[];
  return hasHeader && name === 'EVALSHA' && !shaWithHeader.has(sha as string) ? noScript : undefined;
}

/** Makes the core send the whole script. */
const noScript: Reply = { message: 'NOSCRIPT the digest of this script is not known' };

function addHeader(command: Command): Command {
  const [name, script, ...rest] = command as string[];
  if (name === 'EVALSHA') return [name, shaWithHeader.get(script as string) as string, ...rest];
  return name === 'EVAL' ? [name, KEY_LOCKING + script, ...rest] : command;
}

/** True if the server refused a script because of its header, or does not know it because it had refused it before. */
function isHeaderRefused([name]: Command, reply: Reply | undefined): boolean {
  if (!isErrorReply(reply)) return false;
  return name === 'EVAL' ? HEADER_REFUSED.test(reply.message) : name === 'EVALSHA' && /^NOSCRIPT/.test(reply.message);
}

function toReply(item: unknown): Reply {
  const { result, error } = Object(item) as { result?: unknown; error?: unknown };
  if (typeof error === 'string') return { message: error };
  if (result === undefined) throw new Error('an element of the response is neither a result nor an error');
  return decode(result);
}

/** Decodes base64 strings. The server sends OK as it is. */
function decode(value: unknown): Reply {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'string' || value === 'OK') return value as Reply;
  return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
