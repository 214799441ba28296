import { SyncedMemoryError } from '../base/errors.js';
import { bindsIoToRequests } from '../base/runtime.js';
import type { Command, Reply, Transport } from '../engine/transport.js';
import { isErrorReply } from './error-reply.js';
import { encodeCommands, ReplyReader } from './resp.js';
import {
  POLL_INTERVAL_MS,
  SharedSubscriber,
  type SubscriberConnection,
  type SubscriberEvents,
} from './shared-subscriber.js';

/** A connected pair of byte streams, as `connect` of `cloudflare:sockets` returns it. */
export interface Socket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close?(): Promise<void> | void;
}

/** The login that a connection begins with. */
export interface TcpLogin {
  username?: string | undefined;
  password?: string | undefined;
  /** Number of the database. Default: 0. */
  database?: number | undefined;
}

/** A command whose reply has not arrived. */
interface PendingReply {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

const decoder = new TextDecoder();

/**
 * A transport over sockets: one connection for commands, opened when it is needed and again after it was lost. If it is `live`,
 * there is a second connection for subscriptions.
 */
export class TcpTransport implements Transport {
  readonly subscribe?: NonNullable<Transport['subscribe']>;
  readonly pollIntervalMs?: number;
  readonly lifetime: 'process' | 'request';
  #connection: Promise<Connection> | undefined;
  readonly #subscriber = new SharedSubscriber((events) => this.#openSubscriber(events), this);
  readonly #connect: () => Promise<Socket> | Socket;
  readonly #login: TcpLogin;

  constructor(connect: () => Promise<Socket> | Socket, login: TcpLogin, live: boolean) {
    this.#connect = connect;
    this.#login = login;
    this.lifetime = !live && bindsIoToRequests() ? 'request' : 'process';
    if (!live) return;
    this.subscribe = (...args) => this.#subscriber.subscribe(...args);
    this.pollIntervalMs = POLL_INTERVAL_MS;
  }

  async execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    this.#connection ??= this.#open();
    const opening = this.#connection;
    const giveUp = (): void => this.#drop(opening);
    signal?.addEventListener('abort', giveUp);
    try {
      const connection = await opening;
      return await connection.execute(commands);
    } catch (error) {
      giveUp();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  close(): void {
    this.#subscriber.close();
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  #drop(opening: Promise<Connection>): void {
    if (this.#connection === opening) this.#connection = undefined;
    opening.then(
      (connection) => connection.end(new Error('the connection was given up')),
      () => {},
    );
  }

  async #openSubscriber({ message, lost }: SubscriberEvents): Promise<SubscriberConnection> {
    const connection = await this.#open((reply) => {
      const [kind, channel, text] = reply.map((part) => (part instanceof Uint8Array ? decoder.decode(part) : ''));
      if (kind === 'message') message(channel as string, text as string);
      return kind === 'message';
    }, lost);
    return {
      subscribe: (channel) => connection.execute([['SUBSCRIBE', channel]]).then(([reply]) => throwError(reply)),
      unsubscribe: (channel) => connection.execute([['UNSUBSCRIBE', channel]]),
      close: () => connection.end(new Error('the subscriptions have ended')),
    };
  }

  async #open(isPush?: IsPush, onEnd?: (error: unknown) => void): Promise<Connection> {
    const { username, password, database } = this.#login;
    const connection = new Connection(await this.#connect(), isPush, onEnd);
    const greeting: Command[] = [];
    if (password !== undefined) greeting.push(['AUTH', ...(username === undefined ? [] : [username]), password]);
    if (database !== undefined && database !== 0) greeting.push(['SELECT', String(database)]);
    const replies = greeting.length === 0 ? [] : await connection.execute(greeting);
    for (const [index, reply] of replies.entries()) {
      if (!isErrorReply(reply)) continue;
      connection.end(new Error('the login was refused'));
      const { message } = reply;
      // Other refusals, such as LOADING, pass by themselves.
      if (!/^(ERR|WRONGPASS|NOAUTH|NOPERM)/.test(message)) {
        throw new SyncedMemoryError('ERR_BUSY', `the server takes no login now: ${message}; trying again`);
      }
      const hidden = password ? message.replaceAll(password, '***') : message;
      const [code, what, remedy] =
        greeting[index]?.[0] === 'SELECT' && !/^(WRONGPASS|NOAUTH)/.test(message)
          ? (['ERR_DATABASE', `the database ${database}`, 'the database'] as const)
          : (['ERR_AUTH', 'the login', 'user and password'] as const);
      throw new SyncedMemoryError(
        code,
        `the server refused ${what}: ${hidden}; correct ${remedy} in the URL or the options`,
      );
    }
    return connection;
  }
}

function throwError(reply: Reply | undefined): void {
  if (isErrorReply(reply)) throw new Error(reply.message);
}

/** Throws if a connection that begins with this byte is not one of a Redis server. */
function checkFirstByte(byte: number | undefined): void {
  if (byte === undefined || '+-:$*'.includes(String.fromCharCode(byte))) return;
  // An alert, or a handshake.
  if (byte === 0x15 || byte === 0x16) {
    throw new SyncedMemoryError(
      'ERR_TLS',
      'the server speaks TLS; use a URL with TLS such as rediss:, or the option tls',
    );
  }
  throw new SyncedMemoryError(
    'ERR_NOT_REDIS',
    'the other end does not speak the protocol of Redis; correct host and port',
  );
}

/** Handles a message of a subscription, and returns true. Returns false for a reply. */
type IsPush = (reply: Reply[]) => boolean;

/** One connection: replies arrive in the order of the commands. */
class Connection {
  readonly #pending: PendingReply[] = [];
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #input: ReadableStreamDefaultReader<Uint8Array>;
  #error: unknown;
  readonly #socket: Socket;
  readonly #isPush: IsPush = () => false;
  readonly #onEnd: (error: unknown) => void = () => {};

  constructor(socket: Socket, isPush: IsPush = () => false, onEnd: (error: unknown) => void = () => {}) {
    this.#socket = socket;
    this.#isPush = isPush;
    this.#onEnd = onEnd;
    this.#writer = socket.writable.getWriter();
    this.#input = socket.readable.getReader();
    void this.#read();
  }

  async execute(commands: Command[]): Promise<Reply[]> {
    if (this.#error !== undefined) throw this.#error;
    const replies = commands.map(
      () => new Promise<Reply>((resolve, reject) => void this.#pending.push({ resolve, reject })),
    );
    const all = Promise.all(replies);
    this.#writer.write(encodeCommands(commands)).catch((error: unknown) => this.end(error));
    return all;
  }

  end(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
    // The connection is over, whether or not these succeed.
    this.#input.cancel().catch(() => {});
    this.#writer.abort(error).catch(() => {});
    Promise.resolve(this.#socket.close?.()).catch(() => {});
    this.#onEnd(error);
  }

  async #read(): Promise<void> {
    const reader = new ReplyReader();
    let isFirst = true;
    try {
      for (;;) {
        const { done, value } = await this.#input.read();
        if (done) throw new Error('the server closed the connection');
        if (isFirst) checkFirstByte(value[0]);
        isFirst &&= value.length === 0;
        reader.push(value);
        for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
          if (!(Array.isArray(reply) && this.#isPush(reply))) this.#pending.shift()?.resolve(reply);
        }
      }
    } catch (error) {
      this.end(error);
    }
  }
}
