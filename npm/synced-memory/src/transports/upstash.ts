import { optionsError, SyncedMemoryError } from '../errors.js';
import { type Command, isError, type Listener, type Reply, type Transport } from '../transport.js';
import { eventData } from './event-stream.js';
import { Pulse } from './pulse.js';

export interface UpstashOptions {
  /** `https://<name>.upstash.io` */
  url: string;
  token: string;
  /**
   * Hear what others commit as they do it, over a response that stays open for each memory (server-sent events); false
   * without it: then it shows with `$sync()`. For memories that outlive a request: pages, servers, Durable Objects.
   */
  live?: boolean;
  /** What sends requests; the runtime's own without it. */
  fetch?: typeof fetch;
}

/** Lets Upstash lock a script's keys and not the whole database. Other servers do not take it. */
const KEY_LOCKING = '#!lua flags=allow-key-locking\n';
/** How servers say that they do not know the header: Redis 7, and those to which it is Lua that does not compile. */
const HEADER_REFUSED = /shebang|Error compiling script|unexpected symbol/i;

/**
 * Upstash's REST API, or a server of the same kind. No retries of its own: the memory's cannot apply twice. Throws
 * ERR_OPTIONS where there is no URL or token.
 */
export function upstash(options: UpstashOptions): Transport {
  // A variable that is not set in the environment is the usual mistake.
  if (!/^https?:\/\/./.test(options?.url) || typeof options.token !== 'string' || options.token === '') {
    throw optionsError('upstash takes the url and the token of a REST API, such as https://….upstash.io');
  }
  return new UpstashTransport(options);
}

/** Of scripts with the header, by that of the script without. */
const shaWithHeader = new Map<string, string>();
/** Servers that do not know the header. */
const withoutHeader = new Set<string>();

class UpstashTransport implements Transport {
  readonly subscribe?: NonNullable<Transport['subscribe']>;
  readonly #base: string;
  readonly #address: string;
  /** Given back with every request: whichever replica answers has what was written before. */
  #syncToken = '';
  readonly #options: UpstashOptions;

  constructor(options: UpstashOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
    this.#address = `${this.#base}/pipeline`;
    if (options.live === true) this.subscribe = (...args) => this.#listen(...args);
  }

  async execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    const header = !withoutHeader.has(this.#address);
    for (const [name, script] of header ? commands : []) {
      if (name === 'EVAL') shaWithHeader.set(await sha1(script as string), await sha1(KEY_LOCKING + script));
    }
    const replies: (Reply | undefined)[] = commands.map((command) => withoutServer(command, header));
    const send = async (numbers: number[], prepared: (command: Command) => Command) => {
      if (numbers.length === 0) return;
      const answers = await this.#request(
        numbers.map((at) => prepared(commands[at] as Command)),
        signal,
      );
      numbers.forEach((at, i) => {
        replies[at] = answers[i] as Reply;
      });
    };
    const open = commands.flatMap((_, at) => (replies[at] === undefined ? [at] : []));
    await send(open, header ? withHeader : (command) => command);
    // A script that does not compile has done nothing. What came after it in the pipeline did not compile either, or is not known.
    const refused = open.filter((at) => header && isHeaderRefused(commands[at] as Command, replies[at]));
    if (refused.some((at) => commands[at]?.[0] === 'EVAL')) {
      withoutHeader.add(this.#address);
      await send(refused, (command) => command);
    }
    return replies as Reply[];
  }

  /** A message is one event, of one line, as long as no key has a line feed in it. */
  async #listen(channel: string, listener: Listener, signal?: AbortSignal): Promise<() => void> {
    const address = `${this.#base}/subscribe/${encodeURIComponent(channel)}`;
    const end = new AbortController();
    signal?.addEventListener('abort', () => end.abort());
    const { ok, status, body } = await this.#post(address, { accept: 'text/event-stream' }, null, end.signal);
    if (!ok || body === null) throw new Error(`${address} answered with status ${status}`);
    const events = eventData(body);
    // The first says that it has begun.
    if ((await events.next()).done) throw new Error(`${address} ended at once`);
    const lost = (error: unknown): void => {
      pulse.stop();
      end.abort();
      listener.lost(error);
    };
    const pulse = new Pulse(this, () => channel, lost);
    const start = `message,${channel},`;
    const read = async (): Promise<void> => {
      for await (const data of events) {
        pulse.beat();
        if (data.startsWith(start)) listener.message(data.slice(start.length));
      }
      throw new Error('the server ended the stream');
    };
    read().catch(lost);
    return () => {
      pulse.stop();
      end.abort();
    };
  }

  async #post(address: string, headers: object, body: string | null, signal?: AbortSignal): Promise<Response> {
    const { token, fetch: send = fetch } = this.#options;
    const response = await send(address, {
      method: 'POST',
      // Frameworks that cache what is fetched would give old replies; Workers of old dates know no such option.
      ...('cache' in Request.prototype ? { cache: 'no-store' as const } : {}),
      headers: { authorization: `Bearer ${token}`, ...headers },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 401 || response.status === 403) {
      throw new SyncedMemoryError('ERR_AUTH', `${address} refused the token; correct it`);
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
      // Nothing has been carried out. What is too large by itself always will be.
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

/** What needs no server to be answered. */
function withoutServer(command: Command, header: boolean): Reply | undefined {
  if (command.some((argument) => typeof argument !== 'string')) {
    return { message: 'ERR what is stored is not UTF-8, which this transport cannot send' };
  }
  const [name, sha] = command as string[];
  return header && name === 'EVALSHA' && !shaWithHeader.has(sha as string) ? noScript : undefined;
}

/** The core then sends the script in full. */
const noScript: Reply = { message: 'NOSCRIPT the script is not known by its hash' };

function withHeader(command: Command): Command {
  const [name, script, ...rest] = command as string[];
  if (name === 'EVALSHA') return [name, shaWithHeader.get(script as string) as string, ...rest];
  return name === 'EVAL' ? [name, KEY_LOCKING + script, ...rest] : command;
}

/** Did the script not run for its header, or because one with the header, which it names, did not? */
function isHeaderRefused([name]: Command, reply: Reply | undefined): boolean {
  if (!isError(reply)) return false;
  return name === 'EVAL' ? HEADER_REFUSED.test(reply.message) : name === 'EVALSHA' && /^NOSCRIPT/.test(reply.message);
}

function toReply(item: unknown): Reply {
  const { result, error } = Object(item) as { result?: unknown; error?: unknown };
  if (typeof error === 'string') return { message: error };
  if (result === undefined) throw new Error('an element of the response is neither a result nor an error');
  return decode(result);
}

/** Strings are in base64, but for the server's OK. */
function decode(value: unknown): Reply {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'string' || value === 'OK') return value as Reply;
  return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
}

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
