import { SyncedMemoryError } from '../errors.js';
import type { Command, Reply, Transport } from '../transport.js';
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

/** One connection to a server, made when it is needed and again after it was lost. */
export class TcpTransport implements Transport {
  private connection: Promise<Connection> | undefined;

  constructor(
    private readonly connect: () => Promise<Socket> | Socket,
    private readonly login: TcpLogin = {},
  ) {}

  async execute(commands: Command[], signal?: AbortSignal): Promise<Reply[]> {
    this.connection ??= this.open();
    const opening = this.connection;
    const giveUp = (): void => this.drop(opening);
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
    if (this.connection !== undefined) this.drop(this.connection);
  }

  private drop(opening: Promise<Connection>): void {
    if (this.connection === opening) this.connection = undefined;
    opening.then(
      (connection) => connection.end(new Error('the connection was given up')),
      () => {},
    );
  }

  private async open(): Promise<Connection> {
    const { username, password, database } = this.login;
    const connection = new Connection(await this.connect());
    const greeting: Command[] = [];
    if (password !== undefined) greeting.push(['AUTH', ...(username === undefined ? [] : [username]), password]);
    if (database !== undefined && database !== 0) greeting.push(['SELECT', String(database)]);
    const [auth, ...rest] = greeting.length === 0 ? [] : await connection.execute(greeting);
    for (const reply of auth === undefined ? [] : [auth, ...rest]) {
      if (reply === null || typeof reply !== 'object' || !('message' in reply)) continue;
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

class Connection {
  private readonly waiting: Waiting[] = [];
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  private readonly input: ReadableStreamDefaultReader<Uint8Array>;
  private error: unknown;

  constructor(private readonly socket: Socket) {
    this.writer = socket.writable.getWriter();
    this.input = socket.readable.getReader();
    void this.read();
  }

  async execute(commands: Command[]): Promise<Reply[]> {
    if (this.error !== undefined) throw this.error;
    const replies = commands.map(
      () => new Promise<Reply>((resolve, reject) => void this.waiting.push({ resolve, reject })),
    );
    const all = Promise.all(replies);
    this.writer.write(encodeCommands(commands)).catch((error: unknown) => this.end(error));
    return all;
  }

  end(error: unknown): void {
    if (this.error !== undefined) return;
    this.error = error;
    for (const waiting of this.waiting.splice(0)) waiting.reject(error);
    // Whatever these say, the connection is over.
    this.input.cancel().catch(() => {});
    this.writer.abort(error).catch(() => {});
    Promise.resolve(this.socket.close?.()).catch(() => {});
  }

  private async read(): Promise<void> {
    const reader = new ReplyReader();
    try {
      for (;;) {
        const { done, value } = await this.input.read();
        if (done) throw new Error('the server closed the connection');
        reader.push(value);
        for (let reply = reader.next(); reply !== undefined; reply = reader.next())
          this.waiting.shift()?.resolve(reply);
      }
    } catch (error) {
      this.end(error);
    }
  }
}
