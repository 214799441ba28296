import { Mirror } from '../../src/mirror/mirror.js';
import type { Recorder } from '../../src/mirror/recorder.js';
import { decodeCoreText } from '../../src/sync/decode-core-text.js';

/** A recorder that keeps the texts of mutations. It also checks that each was admitted with its text. */
export class MutationLog implements Recorder {
  readonly texts: string[] = [];
  /** Thrown by `admit`, if it is set. */
  refusal: Error | undefined;
  private admitted: string | undefined;

  admit(_name: string, units: number, text: () => string): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.admitted = text();
    if (units > this.admitted.length) throw new Error(`admitted as ${units} units: ${this.admitted}`);
  }

  record(name: string, head: string, rest: string): void {
    const text = `${head}${rest}]`;
    if (text !== this.admitted) throw new Error(`recorded ${text}, admitted ${this.admitted}`);
    if (!text.split(',')[1]?.startsWith(JSON.stringify(name))) throw new Error(`${text} is not a mutation of ${name}`);
    this.texts.push(text);
    this.admitted = undefined;
  }

  recordAppend(name: string, _list: object, head: () => string, values: string): void {
    this.record(name, head(), `[${values}]`);
  }

  recordPrepend(name: string, list: object, head: () => string, values: string): void {
    this.recordAppend(name, list, head, values);
  }

  /** Removes and returns the texts. */
  take(): string[] {
    return this.texts.splice(0);
  }
}

/** A mirror with one attribute `x`, the log of its later mutations, and the value of `x`. */
// biome-ignore lint/suspicious/noExplicitAny: tests do what TypeScript would refuse
export function mirrorOf(value: unknown): { mirror: Mirror; log: MutationLog; x: any } {
  const log = new MutationLog();
  const mirror = new Mirror(log);
  mirror.assign('x', value);
  log.take();
  return { mirror, log, x: mirror.get('x') };
}

/** Parses the text of a mutation. Numbers that JSON.parse cannot hold are tagged first, as the core does. */
export function parseMutation(text: string): unknown[] {
  const tagged = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (token) => {
    if (token.startsWith('"')) return token.startsWith('"\\u0000') ? `"\\u0000s${token.slice(1)}` : token;
    return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"\\u0000n${token}"` : token;
  });
  return decodeCoreText(`~${tagged}`) as unknown[];
}
