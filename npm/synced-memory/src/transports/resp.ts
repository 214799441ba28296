import type { Command, Reply } from '../transport.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CR = 13;

/** Commands as a server reads them. */
export function encodeCommands(commands: readonly Command[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const command of commands) {
    parts.push(encoder.encode(`*${command.length}\r\n`));
    for (const argument of command) {
      const bytes = typeof argument === 'string' ? encoder.encode(argument) : argument;
      parts.push(encoder.encode(`$${bytes.length}\r\n`), bytes, encoder.encode('\r\n'));
    }
  }
  return concat(parts);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What has arrived is not the whole reply. */
const INCOMPLETE = Symbol('incomplete');

/** Cuts RESP2 replies off a stream of bytes. */
export class ReplyReader {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  readonly #chunks: Uint8Array[] = [];
  #arrived = 0;
  /** It is no use to look again before so many bytes are there. */
  #needed = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#arrived += chunk.length;
  }

  /** The next reply; undefined where it is not complete. Throws where the bytes are no reply. */
  next(): Reply | undefined {
    if (this.#chunks.length > 0) {
      if (this.#bytes.length - this.#at + this.#arrived < this.#needed) return undefined;
      this.#bytes = concat([this.#bytes.subarray(this.#at), ...this.#chunks.splice(0)]);
      this.#at = 0;
      this.#arrived = 0;
    }
    const start = this.#at;
    this.#needed = 0;
    try {
      return this.#reply();
    } catch (error) {
      if (error !== INCOMPLETE) throw error;
      this.#at = start;
      return undefined;
    }
  }

  #reply(): Reply {
    const line = this.#line();
    const [kind, rest] = [line[0], line.slice(1)];
    switch (kind) {
      case '+':
        return rest;
      case '-':
        return { message: rest };
      case ':':
        return number(rest);
      case '$':
        return rest === '-1' ? null : this.#bulk(number(rest));
      case '*':
        return rest === '-1' ? null : Array.from({ length: number(rest) }, () => this.#reply());
      default:
        throw new Error('the server does not speak RESP2');
    }
  }

  #line(): string {
    const end = this.#bytes.indexOf(CR, this.#at);
    if (end < 0 || end + 1 >= this.#bytes.length) throw INCOMPLETE;
    const line = decoder.decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 2;
    return line;
  }

  #bulk(length: number): Uint8Array {
    const end = this.#at + length;
    if (end + 2 > this.#bytes.length) {
      this.#needed = length;
      throw INCOMPLETE;
    }
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end + 2;
    return bytes;
  }
}

function number(digits: string): number {
  const value = Number(digits);
  if (digits === '' || !Number.isSafeInteger(value)) throw new Error('the server does not speak RESP2');
  return value;
}
