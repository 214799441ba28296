import { decode } from '../../src/json.js';
import { Mirror } from '../../src/mirror.js';
import type { Recorder } from '../../src/recorder.js';

/** A recorder that keeps the wire texts, and refuses where it is told to. */
export class Log implements Recorder {
  readonly texts: string[] = [];
  refusal: Error | undefined;
  private admitted: string | undefined;

  admit(_name: string, units: number, text: () => string): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.admitted = text();
    if (units > this.admitted.length) throw new Error(`announced ${units} units for ${this.admitted}`);
  }

  record(name: string, text: string): void {
    if (text !== this.admitted) throw new Error(`recorded ${text}, admitted ${this.admitted}`);
    if (!text.split(',')[1]?.startsWith(JSON.stringify(name))) throw new Error(`${text} is not of ${name}`);
    this.texts.push(text);
    this.admitted = undefined;
  }

  recordAppend(name: string, _list: object, head: () => string, values: string): void {
    this.record(name, `${head()}[${values}]]`);
  }

  /** The texts recorded since the last call. */
  take(): string[] {
    return this.texts.splice(0);
  }
}

/** A mirror with one attribute `x`, what it recorded (but for the assignment), and `x`. */
// biome-ignore lint/suspicious/noExplicitAny: tests do to it what TypeScript would refuse
export function mirrorOf(value: unknown): { mirror: Mirror; log: Log; x: any } {
  const log = new Log();
  const mirror = new Mirror(log);
  mirror.assign('x', value);
  log.take();
  return { mirror, log, x: mirror.get('x') };
}

/** A wire text as the core hands mutations back: numbers that JSON.parse cannot hold are tagged. */
export function parseWire(text: string): unknown[] {
  const tagged = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi, (token) => {
    if (token.startsWith('"')) return token.startsWith('"\\u0000') ? `"\\u0000s${token.slice(1)}` : token;
    return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"\\u0000n${token}"` : token;
  });
  return decode(`~${tagged}`) as unknown[];
}
