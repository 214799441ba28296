import { SyncedMemoryError, syncedError } from './errors.js';
import { quote } from './json.js';
import { clearRaw, DictContainer } from './proxy/dict.js';
import { Container, setOwn, unwrap } from './proxy/handler.js';
import { ListContainer, permuteRaw, spliceRaw } from './proxy/list.js';
import type { Recorder } from './recorder.js';
import { copyIn } from './values.js';

/**
 * The plain values behind the proxies: every attribute of a memory as this process sees it now. Local mutations go
 * through `assign`, `delete` and the proxies and are recorded; what comes from the core is applied and not recorded.
 */
export class Mirror {
  /** Raw values of the readable attributes. Not for users: `get` wraps. */
  readonly attributes: Record<string, unknown>;
  private readonly errors = new Map<string, SyncedMemoryError>();

  /** `attributes`: the object to keep them in, e.g. one whose prototype console.log should name. */
  constructor(
    readonly recorder: Recorder,
    attributes: object = Object.create(null),
  ) {
    this.attributes = attributes as Record<string, unknown>;
  }

  /** Is there a readable attribute of this name? */
  has(name: string): boolean {
    return Object.hasOwn(this.attributes, name);
  }

  /** Is there anything of this name, readable or not? */
  knows(name: string): boolean {
    return this.has(name) || this.errors.has(name);
  }

  /** The attribute, a container as its proxy; undefined where absent. Throws where what is stored is unreadable. */
  get(name: string): unknown {
    if (!this.has(name)) {
      const error = this.errors.get(name);
      if (error !== undefined)
        throw new SyncedMemoryError(error.code, error.message, { attribute: name, cause: error });
      return undefined;
    }
    const value = this.attributes[name];
    return typeof value === 'object' && value !== null ? this.root(value, name).proxy : value;
  }

  /** Local mutation: copies `value` in as the attribute; undefined deletes it. Whether the name is allowed is not checked. */
  assign(name: string, value: unknown): void {
    if (value === undefined) {
      this.delete(name);
      return;
    }
    if (typeof value === 'object' && value !== null && this.has(name) && unwrap(value) === this.attributes[name])
      return;
    const copy = copyIn(value, name, () => []);
    const text = `["assign",${quote(name)},${copy.text}]`;
    this.recorder.admit(name, text.length, () => text);
    this.load(name, copy.value);
    this.recorder.record(name, text);
  }

  /** Local mutation: `value` becomes the attribute unless the server turns out to have one. Does nothing where one is known. */
  create(name: string, value: unknown): void {
    if (this.knows(name) || value === undefined) return;
    const copy = copyIn(value, name, () => []);
    const text = `["create",${quote(name)},${copy.text}]`;
    this.recorder.admit(name, text.length, () => text);
    this.load(name, copy.value);
    this.recorder.record(name, text);
  }

  /** Local mutation. False where there was nothing, not even something unreadable; then nothing is recorded. */
  delete(name: string): boolean {
    if (!this.knows(name)) return false;
    const text = `["delete",${quote(name)}]`;
    this.recorder.admit(name, text.length, () => text);
    this.gone(name);
    this.recorder.record(name, text);
    return true;
  }

  /** From the core: the attribute is this now. The mirror owns `raw` from now on. */
  load(name: string, raw: unknown): void {
    this.errors.delete(name);
    setOwn(this.attributes, name, raw);
  }

  /** From the core: the attribute is gone. */
  gone(name: string): void {
    this.errors.delete(name);
    delete this.attributes[name];
  }

  /** From the core: what is stored is not a document. Access throws `error` until something readable replaces it. */
  unreadable(name: string, error: SyncedMemoryError): void {
    this.gone(name);
    this.errors.set(name, error);
  }

  /** From the core: applies mutations in place, so that references that users hold stay live. */
  patch(name: string, mutations: readonly (readonly unknown[])[]): void {
    for (const [op, , ...args] of mutations) {
      if (op === 'assign' || op === 'create') this.load(name, args[0]);
      else if (op === 'delete') this.gone(name);
      else applyTo(this.at(name, args[0] as (string | number)[]), String(op), args.slice(1));
    }
  }

  private at(name: string, path: (string | number)[]): object {
    let value = this.has(name) ? this.attributes[name] : undefined;
    for (const key of path) {
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? value[key as never] : undefined;
    }
    if (typeof value === 'object' && value !== null) return value;
    throw syncedError('ERR_INTERNAL', 'a patch for a container that the mirror does not have', name, path);
  }

  /** The container of a raw value that `parent` holds under `key`; made on first access. */
  wrap(raw: object, name: string, parent: Container | undefined, key: string | number): Container {
    const container = Array.isArray(raw)
      ? new ListContainer(raw, this, name, parent, key)
      : new DictContainer(raw as Record<string, unknown>, this, name, parent, key);
    return container as unknown as Container;
  }

  private root(raw: object, name: string): Container {
    return Container.of(raw) ?? this.wrap(raw, name, undefined, '');
  }
}

/** One mutation in the raw container that it is about. */
function applyTo(target: object, op: string, args: unknown[]): void {
  const list = target as unknown[];
  const dict = target as Record<string, unknown>;
  switch (op) {
    case 'set':
      setOwn(dict, args[0] as string, args[1]);
      break;
    case 'unset':
      delete dict[args[0] as string];
      break;
    case 'clear':
      clearRaw(dict);
      break;
    case 'replace':
      list[args[0] as number] = args[1];
      break;
    case 'append':
      spliceRaw(list, list.length, 0, args[0] as unknown[]);
      break;
    case 'splice':
      spliceRaw(list, args[0] as number, args[1] as number, args[2] as unknown[]);
      break;
    case 'permute':
      permuteRaw(list, args[0] as number[]);
      break;
    default:
      throw syncedError('ERR_INTERNAL', `unknown mutation "${op}" in a patch`);
  }
}
