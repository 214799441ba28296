import { readFileSync } from 'node:fs';
import type { Command, Reply, Transport } from '../../engine/transport.js';
import { tcpTransport } from '../../entry/tcp-url.js';
import { isErrorReply } from '../../transports/error-reply.js';
import { CommandError, EXIT } from '../failure.js';

/** A connection for what a memory does not tell: the state of the server itself. */
export class ServerConnection {
  readonly #transport: Transport & { close?(): unknown };
  readonly #timeout: number;

  /** `url` is that of one server; `timeout` is in milliseconds, for each request. */
  constructor(url: string, timeout: number) {
    this.#transport = tcpTransport(url, authorities());
    this.#timeout = timeout;
  }

  /** Sends a command. An error of the server is an {@link ErrorReply}. Rejects where the connection fails. */
  async send(...command: string[]): Promise<Reply> {
    const [reply] = await this.pipeline([command]);
    return reply as Reply;
  }

  async pipeline(commands: Command[]): Promise<Reply[]> {
    const aborting = new AbortController();
    const request = this.#transport.execute(commands, aborting.signal);
    const late = new Promise<never>((_resolve, reject) => {
      const giveUp = () => reject(new CommandError(`no answer within ${this.#timeout / 1000} s`, EXIT.unreachable));
      const timer = setTimeout(giveUp, this.#timeout);
      request.catch(() => {}).finally(() => clearTimeout(timer));
    });
    try {
      return await Promise.race([request, late]);
    } finally {
      aborting.abort();
    }
  }

  /** The fields of the server's INFO; undefined where the user may not read it. */
  async info(): Promise<Map<string, string> | undefined> {
    const reply = await this.send('INFO');
    if (isErrorReply(reply)) return undefined;
    const fields = textOf(reply).matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm);
    return new Map([...fields].map(([, name, value]) => [name as string, value as string]));
  }

  close(): void {
    this.#transport.close?.();
  }
}

/** The certificate authorities that the addon trusts, where SSL_CERT_FILE names them. */
function authorities(): string | undefined {
  const file = process.env.SSL_CERT_FILE;
  try {
    return file ? readFileSync(file, 'utf8') : undefined;
  } catch {
    // The memory's own connection reports it.
    return undefined;
  }
}

const decoder = new TextDecoder();

/** The text of a reply. */
export function textOf(reply: Reply | undefined): string {
  if (reply instanceof Uint8Array) return decoder.decode(reply);
  if (isErrorReply(reply)) return reply.message;
  return String(reply ?? '');
}

/** The texts of a reply that is an array; none of another reply. */
export function textsOf(reply: Reply | undefined): string[] {
  return Array.isArray(reply) ? reply.map(textOf) : [];
}
