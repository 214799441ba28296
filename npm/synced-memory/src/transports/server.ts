import { type Clock, LONGEST_TIMER, systemClock } from '../clock.js';
import type { Command, Listener, Reply, Transport } from '../transport.js';
import { commit, commitGroup } from './commit.js';

const encoder = new TextEncoder();

/** A string with one character a byte, as Lua has them: what is stored, and the arguments of commands. */
export type Bytes = string;

export function toBytes(value: string | Uint8Array): Bytes {
  const bytes = typeof value === 'string' ? encoder.encode(value) : value;
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

export function fromBytes(bytes: Bytes): Uint8Array {
  return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
}

/** As much of a Redis-compatible server as a memory needs, in this process. */
export class InProcessServer {
  readonly #strings = new Map<string, { text: Bytes; expires: number }>();
  /** Timers that tell of keys that expire. */
  readonly #alarms = new Map<string, () => void>();
  readonly #listeners = new Set<{ channel: string; listener: Listener }>();
  /** There is one script, which it knows by heart; but as any server it has to be sent it first. */
  #knowsScript = false;

  constructor(readonly clock: Clock = systemClock) {}

  /** What carries commands to it, and listens. */
  client(): Transport {
    return {
      clock: this.clock,
      execute: async (commands) => this.execute(commands),
      subscribe: async (channel, listener) => {
        const own = { channel, listener };
        this.#listeners.add(own);
        return () => this.#listeners.delete(own);
      },
      tellsOfAll: true,
    };
  }

  execute(commands: readonly Command[]): Reply[] {
    return commands.map((command) => {
      const [name = '', ...args] = command.map(toBytes);
      return this.#run(name.toUpperCase(), args);
    });
  }

  read(key: Bytes): Bytes | undefined {
    const entry = this.#strings.get(key);
    if (entry === undefined || entry.expires > this.clock.monotonic()) return entry?.text;
    this.#strings.delete(key);
    return undefined;
  }

  write(key: Bytes, text: Bytes, seconds = Number.POSITIVE_INFINITY): void {
    this.#strings.set(key, { text, expires: this.clock.monotonic() + seconds * 1000 });
  }

  /** Changes a part of what is stored; the rest, and when it expires, stays. */
  splice(key: Bytes, at: number, text: Bytes): void {
    const old = this.read(key) ?? '';
    const entry = this.#strings.get(key) ?? { text: '', expires: Number.POSITIVE_INFINITY };
    entry.text = old.slice(0, at).padEnd(at, '\0') + text + old.slice(at + text.length);
    this.#strings.set(key, entry);
  }

  /** A whole new text; when it expires stays. */
  replace(key: Bytes, text: Bytes): void {
    const expires = this.read(key) === undefined ? undefined : this.#strings.get(key)?.expires;
    this.#strings.set(key, { text, expires: expires ?? Number.POSITIVE_INFINITY });
  }

  delete(key: Bytes): boolean {
    this.#alarms.get(key)?.();
    this.#alarms.delete(key);
    return this.#strings.delete(key);
  }

  /** Lets what is stored expire after `ms`, or never. False where there is nothing. */
  expire(key: Bytes, ms = Number.POSITIVE_INFINITY): boolean {
    const text = this.read(key);
    this.#alarms.get(key)?.();
    this.#alarms.delete(key);
    if (text === undefined) return false;
    this.#strings.set(key, { text, expires: this.clock.monotonic() + ms });
    if (ms < Number.POSITIVE_INFINITY) this.#setAlarm(key);
    return true;
  }

  #setAlarm(key: Bytes): void {
    const left = this.#timeLeft(key) ?? 0;
    const look = (): void => {
      if ((this.#timeLeft(key) ?? 0) > 0) {
        this.#setAlarm(key);
      } else {
        this.#alarms.delete(key);
        if (this.read(key) === undefined) this.announce(key);
      }
    };
    this.#alarms.set(key, this.clock.after(Math.min(left, LONGEST_TIMER), look));
  }

  /** Milliseconds until a key expires; undefined where there is none. */
  #timeLeft(key: Bytes): number | undefined {
    return this.read(key) === undefined ? undefined : (this.#strings.get(key)?.expires ?? 0) - this.clock.monotonic();
  }

  /** Tells everybody of a key that was changed by something else than a commit. */
  announce(key: Bytes): void {
    const name = decode(key);
    for (const { listener } of this.#listeners) listener.changed([name]);
  }

  /** Tells those who listen to the channel. */
  publish(channel: Bytes, message: Bytes): void {
    const [wanted, text] = [decode(channel), decode(message)];
    for (const { channel, listener } of this.#listeners) if (channel === wanted) listener.message(text);
  }

  keys(): Bytes[] {
    return [...this.#strings.keys()].filter((key) => this.read(key) !== undefined);
  }

  #run(name: string, args: Bytes[]): Reply {
    const [key = '', first = '', second = ''] = args;
    switch (name) {
      case 'GET': {
        const text = this.read(key);
        return text === undefined ? null : fromBytes(text);
      }
      case 'STRLEN':
        return (this.read(key) ?? '').length;
      case 'GETRANGE':
        return fromBytes(range(this.read(key) ?? '', Number(first), Number(second)));
      case 'SET':
        this.write(key, first);
        this.announce(key);
        return 'OK';
      case 'DEL': {
        const deleted = this.delete(key);
        if (deleted) this.announce(key);
        return deleted ? 1 : 0;
      }
      case 'EXISTS':
        return this.read(key) === undefined ? 0 : 1;
      case 'PEXPIRE':
        return this.expire(key, Number(first)) ? 1 : 0;
      case 'PERSIST': {
        const expires = Number.isFinite(this.#timeLeft(key));
        this.expire(key);
        return expires ? 1 : 0;
      }
      case 'PTTL': {
        const left = this.#timeLeft(key);
        if (left === undefined) return -2;
        return left === Number.POSITIVE_INFINITY ? -1 : Math.ceil(left);
      }
      case 'SCAN': {
        // SCAN cursor MATCH pattern COUNT count; the pattern is a literal prefix.
        const prefix = (args[2] ?? '').slice(0, -1).replace(/\\(.)/g, '$1');
        return [
          '0',
          this.keys()
            .filter((key) => key.startsWith(prefix))
            .map(fromBytes),
        ];
      }
      case 'EVALSHA':
        if (!this.#knowsScript) return { message: 'NOSCRIPT No matching script.' };
        return this.#commit(args);
      case 'EVAL':
        this.#knowsScript = true;
        return this.#commit(args);
      default:
        return { message: `ERR unknown command '${name}'` };
    }
  }

  #commit([, count, ...rest]: Bytes[]): Reply {
    const keys = rest.slice(0, Number(count));
    const argv = rest.slice(Number(count));
    // Where a commit says what must be stored, a group names its channel.
    const isGroup = argv[3] === '' || argv[3]?.startsWith('sm:') === true;
    return (isGroup ? commitGroup(this, keys, argv) : commit(this, keys, argv)).map(fromBytes);
  }
}

function decode(bytes: Bytes): string {
  return new TextDecoder().decode(fromBytes(bytes));
}

/** GETRANGE: both ends count, negative ones from the end. */
export function range(text: Bytes, first: number, last: number): Bytes {
  const from = first < 0 ? Math.max(0, text.length + first) : first;
  return text.slice(from, (last < 0 ? Math.max(0, text.length + last) : last) + 1);
}
