import { RequestFailure } from '../failure.js';
import type { InspectedMemory } from '../inspected-memory.js';
import { printValue } from '../print-value.js';
import { type EditReply, type EditRequest, MAX_TEXT, type UndoRequest, type ValuePath } from '../protocol.js';
import { findValue, hasKey, pathText } from '../tree/find-value.js';
import { parseJsonText } from './parse-json-text.js';

/** Longest wait until an edit is acknowledged, in milliseconds. It stays queued after that. */
const FLUSH_MS = 10_000;
/** Number of edits that can be undone. */
const MAX_UNDO = 100;

type Container = unknown[] | Record<string, unknown>;

/** The text of a value before an edit. */
type OldText = string | undefined;

/** The reversal of an edit. */
interface Undo {
  readonly path: ValuePath;
  /** The text that the edit left at the path; undefined for nothing. */
  readonly left: string | undefined;
  apply(): void;
}

/** Edits of the memory as ordinary mutations, which merge with those of others. */
export class Editor {
  readonly #memory: InspectedMemory;
  readonly #undos = new Map<string, Undo>();

  constructor(memory: InspectedMemory) {
    this.#memory = memory;
  }

  /** Makes an edit. Throws where the value is not the expected one, or the edit is refused. */
  async edit({ path, action, json, expected }: EditRequest): Promise<EditReply> {
    const value = json === undefined ? undefined : parseJsonText(json);
    if (expected !== undefined) this.#checkText(path, expected, 'the value has changed since it was opened');
    const undo = await this.#commit(path, () => {
      if (action === 'append') return this.#append(path, value);
      return action === 'delete' ? this.#delete(path) : this.#set(path, value);
    });
    if (undo === undefined) return {};
    const edit = crypto.randomUUID();
    this.#undos.set(edit, undo);
    const [oldest] = this.#undos.keys();
    if (this.#undos.size > MAX_UNDO) this.#undos.delete(oldest as string);
    return { edit };
  }

  /** Takes an edit back. Throws where the value has changed since. */
  async undo({ edit }: UndoRequest): Promise<EditReply> {
    const undo = this.#undos.get(edit);
    if (undo === undefined) throw new RequestFailure(404, 'ERR_NOT_FOUND', 'this edit cannot be undone any more');
    this.#checkText(undo.path, undo.left, 'the value has changed since the edit');
    await this.#commit(undo.path, undo.apply);
    this.#undos.delete(edit);
    return {};
  }

  /** Runs a mutation and waits until it is acknowledged. Throws where it is refused or dropped. */
  async #commit<T>(path: ValuePath, mutate: () => T): Promise<T> {
    const dropped: string[] = [];
    const stop = this.#memory.$on(
      'conflict',
      ({ name, message }) => {
        if (name === path[0]) dropped.push(message);
      },
      undefined,
      { passive: true },
    );
    try {
      const result = mutate();
      await this.#memory.$flush({ timeout: FLUSH_MS });
      if (dropped.length > 0) throw new RequestFailure(409, 'ERR_CONFLICT', dropped.join('; '));
      return result;
    } finally {
      stop();
    }
  }

  /** Throws where the value at a path has another text. */
  #checkText(path: ValuePath, expected: string | undefined, problem: string): void {
    const current = this.#textAt(path);
    if (current === expected) return;
    const details = current === undefined ? {} : { current };
    throw new RequestFailure(409, 'ERR_CHANGED', `${pathText(path)}: ${problem}`, details);
  }

  #textAt(path: ValuePath): string | undefined {
    try {
      return printValue(findValue(this.#memory, path), MAX_TEXT, true).text;
    } catch (error) {
      if (error instanceof RequestFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  #set(path: ValuePath, value: unknown): Undo | undefined {
    const { container, key } = this.#place(path);
    if (Array.isArray(container) && !(typeof key === 'number' && key <= container.length)) {
      const elements = `${container.length} element${container.length === 1 ? '' : 's'}`;
      throw new RequestFailure(409, 'ERR_OUT_OF_RANGE', `${pathText(path)}: the list has ${elements}`);
    }
    const old = this.#oldText(path, container, key);
    (container as Record<string | number, unknown>)[key] = value;
    return this.#undoable(path, old, () => {
      const now = this.#place(path);
      if (old !== undefined) (now.container as Record<string | number, unknown>)[key] = parseJsonText(old);
      else remove(now.container, key);
    });
  }

  #append(path: ValuePath, value: unknown): Undo | undefined {
    const list = findValue(this.#memory, path);
    if (!Array.isArray(list)) throw new RequestFailure(409, 'ERR_NOT_A_LIST', `${pathText(path)} is not a list`);
    const index = list.push(value) - 1;
    return this.#undoable([...path, index], undefined, () => remove(findValue(this.#memory, path), index));
  }

  #delete(path: ValuePath): Undo | undefined {
    const { container, key } = this.#place(path);
    const old = this.#oldText(path, container, key);
    if (old === undefined && this.#isReadable(path)) findValue(this.#memory, path);
    remove(container, key);
    if (old === undefined) return undefined;
    if (!Array.isArray(container)) {
      return this.#undoable(path, undefined, () => {
        (this.#place(path).container as Record<string, unknown>)[key] = parseJsonText(old);
      });
    }
    return this.#undoable(path, old, () => {
      (this.#place(path).container as unknown[]).splice(Number(key), 0, parseJsonText(old));
    });
  }

  /** An edit of a value that is too long to be compared cannot be undone. */
  #undoable(path: ValuePath, old: OldText, apply: () => void): Undo | undefined {
    const left = this.#textAt(path);
    const isLong = (text: OldText) => text !== undefined && text.length >= MAX_TEXT;
    return isLong(left) || isLong(old) ? undefined : { path, left, apply };
  }

  #isReadable(path: ValuePath): boolean {
    return !this.#memory.$status.unreadable.includes(String(path[0]));
  }

  /** The text of the value that an edit replaces or removes; undefined where there is none, or it cannot be read. */
  #oldText(path: ValuePath, container: Container, key: string | number): OldText {
    return this.#isReadable(path) && hasKey(container, key) ? this.#textAt(path) : undefined;
  }

  /** The list, dict or memory that holds the value at a path. */
  #place(path: ValuePath): { container: Container; key: string | number } {
    const key = path.at(-1) as string | number;
    if (path.length === 1) return { container: this.#memory as unknown as Record<string, unknown>, key };
    const container = findValue(this.#memory, path.slice(0, -1));
    if (typeof container === 'object' && container !== null) return { container: container as Container, key };
    throw new RequestFailure(409, 'ERR_NOT_FOUND', `${pathText(path.slice(0, -1))} has no keys`);
  }
}

function remove(container: unknown, key: string | number): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete (container as Record<string, unknown>)[key];
}
