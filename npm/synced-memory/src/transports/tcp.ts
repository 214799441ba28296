import { SyncedMemoryError } from '../errors.js';
import { type Command, isError, type Reply, type Transport } from '../transport.js';
import { type Line, type LineEvents, Listeners, LOOK_EVERY } from './listeners.js';
import { encodeCommands, ReplyReader } from './resp.js';

/** A connected pair of streams, as `cloudflare:sockets` makes it. */
export interface Socket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  close?(): Promise<void> | void;
}

export interface TcpLogin {
  username?: string | undefined;
  password?: string | undefined;
  /** The number of the database. */
  database?: number | undefined;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

const decoder = new TextDecoder();

/**
 * One connection to a server, made when it is needed and again after it was lost; and where it is `live`, one more that
 * listens.
 */
export class TcpTransport implements Transport {
  readonly subscribe?: NonNullable<Transport['subscribe']>;
  readonly lookEvery?: number;
  #connection: Promise<Connection> | undefined;
  readonly #listeners = new Listeners((on) => this.#openLine(on), this);
  readonly #connect: () => Promise<Socket> | Socket;
  readonly #login: TcpLogin;

  constructor(connect: () => Promise<Socket> | Socket, login: TcpLogin, live: boolean) {
    this.#connect = connect;
    this.#login = login;
    if (!live) return;
    this.subscribe = (...args) => this.#listeners.subscribe(...args);
    this.lookEvery = LOOK_EVERY;
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
    this.#listeners.close();
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  #drop(opening: Promise<Connection>): void {
    if (this.#connection === opening) this.#connection = undefined;
    opening.then(
      (connection) => connection.end(new Error('the connection was given up')),
      () => {},
    );
  }

  async #openLine({ message, lost }: LineEvents): Promise<Line> {
    const connection = await this.#open((reply) => {
      const [kind, channel, text] = reply.map((part) => (part instanceof Uint8Array ? decoder.decode(part) : ''));
      if (kind === 'message') message(channel as string, text as string);
      return kind === 'message';
    }, lost);
    return {
      subscribe: (channel) => connection.execute([['SUBSCRIBE', channel]]).then(([reply]) => refuse(reply)),
      unsubscribe: (channel) => connection.execute([['UNSUBSCRIBE', channel]]),
      close: () => connection.end(new Error('nobody listens any more')),
    };
  }

  async #open(isPush?: IsPush, ended?: (error: unknown) => void): Promise<Connection> {
    const { username, password, database } = this.#login;
    const connection = new Connection(await this.#connect(), isPush, ended);
    const greeting: Command[] = [];
    if (password !== undefined) greeting.push(['AUTH', ...(username === undefined ? [] : [username]), password]);
    if (database !== undefined && database !== 0) greeting.push(['SELECT', String(database)]);
    const [auth, ...rest] = greeting.length === 0 ? [] : await connection.execute(greeting);
    for (const reply of auth === undefined ? [] : [auth, ...rest]) {
      if (!isError(reply)) continue;
      connection.end(new Error('the login was refused'));
      const { message } = reply;
      // LOADING and its kind pass.
      if (!/^(ERR|WRONGPASS|NOAUTH|NOPERM)/.test(message)) throw new Error(`the server answered: ${message}`);
      const hidden = password ? message.replaceAll(password, '***') : message;
      throw new SyncedMemoryError(
        'ERR_AUTH',
        `the server refused the login: ${hidden}; correct user and password in the URL or the options`,
      );
    }
    return connection;
  }
}

function refuse(reply: Reply | undefined): void {
  if (isError(reply)) throw new Error(reply.message);
}

/** Takes what is no reply but something that the server tells unasked. */
type IsPush = (reply: Reply[]) => boolean;

class Connection {
  readonly #waiting: Waiting[] = [];
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #input: ReadableStreamDefaultReader<Uint8Array>;
  #error: unknown;
  readonly #socket: Socket;
  readonly #isPush: IsPush = () => false;
  readonly #ended: (error: unknown) => void = () => {};

  constructor(socket: Socket, isPush: IsPush = () => false, ended: (error: unknown) => void = () => {}) {
    this.#socket = socket;
    this.#isPush = isPush;
    this.#ended = ended;
    this.#writer = socket.writable.getWriter();
    this.#input = socket.readable.getReader();
    void this.#read();
  }

  async execute(commands: Command[]): Promise<Reply[]> {
    if (this.#error !== undefined) throw this.#error;
    const replies = commands.map(
      () => new Promise<Reply>((resolve, reject) => void this.#waiting.push({ resolve, reject })),
    );
    const all = Promise.all(replies);
    this.#writer.write(encodeCommands(commands)).catch((error: unknown) => this.end(error));
    return all;
  }

  end(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    // Whatever these say, the connection is over.
    this.#input.cancel().catch(() => {});
    this.#writer.abort(error).catch(() => {});
    Promise.resolve(this.#socket.close?.()).catch(() => {});
    this.#ended(error);
  }

  async #read(): Promise<void> {
    const reader = new ReplyReader();
    try {
      for (;;) {
        const { done, value } = await this.#input.read();
        if (done) throw new Error('the server closed the connection');
        reader.push(value);
        for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
          if (!(Array.isArray(reply) && this.#isPush(reply))) this.#waiting.shift()?.resolve(reply);
        }
      }
    } catch (error) {
      this.end(error);
    }
  }
}
