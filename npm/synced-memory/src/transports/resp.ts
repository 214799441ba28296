import type { Command, Reply } from '../engine/transport.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CR = 13;

/** Encodes commands in RESP. */
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

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Thrown while only a part of the reply has arrived. */
const INCOMPLETE = Symbol('incomplete');

/** Decodes the RESP2 replies of a stream of bytes. */
export class ReplyReader {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  readonly #chunks: Uint8Array[] = [];
  #arrived = 0;
  /** Least number of bytes that the next reply takes. */
  #needed = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#arrived += chunk.length;
  }

  /** Removes and returns the next reply; undefined if it has not arrived completely. Throws if the bytes are not RESP2. */
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
        return parseInteger(rest);
      case '$':
        return rest === '-1' ? null : this.#bulk(parseInteger(rest));
      case '*':
        return rest === '-1' ? null : Array.from({ length: parseInteger(rest) }, () => this.#reply());
      default:
        throw notResp2();
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

function parseInteger(digits: string): number {
  const value = Number(digits);
  if (digits === '' || !Number.isSafeInteger(value)) throw notResp2();
  return value;
}

function notResp2(): Error {
  return new Error('the server does not answer in RESP2; check the host and the port');
}
