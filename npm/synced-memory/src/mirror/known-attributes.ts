import { syncedError } from '../base/errors.js';

/** Names that JavaScript, vitest, jest and consoles look up in every object; a test records them. */
const PROBED_NAMES: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'asymmetricMatch',
  'hasAttribute',
  'inspect',
  'nodeType',
  'stack',
  'tagName',
]);
/** The start of the names by which test runners recognise collections of immutable.js. */
const IMMUTABLE_MARK = '@@__IMMUTABLE_';

/**
 * True for a name that is looked up in every object: `await` reads `then`, `JSON.stringify` reads `toJSON`. An unknown attribute of
 * this name reads as on a plain object.
 */
function isProbedName(name: string): boolean {
  return name in Object.prototype || PROBED_NAMES.has(name) || name.startsWith(IMMUTABLE_MARK);
}

/**
 * Which attributes of a memory are known. An attribute is unknown until its state on the backend is learned: it may exist, and must
 * not be taken for absent.
 */
export class KnownAttributes {
  /** True once every attribute is known: all were asked for, and are loaded. */
  isComplete = false;
  /** The attributes that the memory is restricted to; undefined for all that exist. */
  readonly #names: readonly string[] | undefined;
  /** Every attribute that was asked for by its name. */
  readonly #requested: Set<string>;
  /** Attributes whose state on the backend was learned. */
  readonly #learned = new Set<string>();
  /** Attributes that were deleted here before their state was learned. */
  readonly #deleted = new Set<string>();
  #isLoaded = false;

  /** `names` as above; `defaults` are the attributes that have a default. */
  constructor(names: readonly string[] | undefined, defaults: readonly string[]) {
    this.#names = names;
    this.#requested = new Set([...(names ?? []), ...defaults]);
  }

  /** True once everything that was asked for is known. */
  get isReady(): boolean {
    return this.#isLoaded && this.unknown().length === 0;
  }

  /** True if the names of all attributes are known, as far as they were asked for. */
  get areNamesKnown(): boolean {
    return this.#isLoaded || this.#names !== undefined;
  }

  /** The attributes that were asked for by name and whose state was not learned. */
  unknown(): string[] {
    return this.isComplete ? [] : [...this.#requested].filter((name) => !this.#learned.has(name));
  }

  /** The number of unknown attributes, in words; undefined if all are known. */
  describeUnknown(): string | undefined {
    if (!this.areNamesKnown) return 'not loaded yet: everything else';
    const { length } = this.unknown();
    return length === 0 ? undefined : `not loaded: ${length}`;
  }

  /** True if the attribute's state was learned, or it was deleted here. */
  isKnown(name: string): boolean {
    return this.isComplete || this.#learned.has(name) || this.#deleted.has(name);
  }

  /** Throws ERR_NOT_LOADED for an unknown attribute. */
  check(name: string): void {
    if (this.isKnown(name) || isProbedName(name)) return;
    const isComing = !this.#isLoaded && (this.#names === undefined || this.#requested.has(name));
    const remedy = isComing
      ? 'the backend was not reached yet; await $ready(), or give it a default by the option defaults'
      : `it is not among the names of this memory; add it to the option names, or await $load(['${name}'])`;
    throw syncedError('ERR_NOT_LOADED', remedy, name);
  }

  /** Throws ERR_NOT_LOADED if the set of names is unknown, or an attribute of it that does not exist here. */
  checkAll(exists: (name: string) => boolean): void {
    if (!this.areNamesKnown) {
      throw syncedError('ERR_NOT_LOADED', 'the backend was not reached yet; await $ready() before enumerating');
    }
    for (const name of this.unknown()) if (!exists(name)) this.check(name);
  }

  /** The attributes are asked for. */
  request(names: readonly string[]): void {
    if (!this.isComplete) for (const name of names) this.#requested.add(name);
  }

  /** The attribute's state was learned. */
  learn(name: string): void {
    if (!this.isComplete) this.#learned.add(name);
  }

  /** Everything that the memory was opened for is loaded. */
  learnAll(): void {
    this.#isLoaded = true;
    this.isComplete = this.#names === undefined;
    for (const name of this.#names ?? []) this.#learned.add(name);
  }

  /** A copy that knows the same, for a draft. */
  copy(): KnownAttributes {
    const copy = new KnownAttributes(this.#names, [...this.#requested]);
    for (const name of [...this.#learned, ...this.#deleted]) copy.learn(name);
    copy.#isLoaded = this.#isLoaded;
    copy.isComplete = this.isComplete;
    return copy;
  }

  /** The attribute was deleted here. */
  noteDeletion(name: string): void {
    if (!this.isKnown(name)) this.#deleted.add(name);
  }

  /** The deletion was reverted, or refused. */
  forgetDeletion(name: string): void {
    this.#deleted.delete(name);
  }
}
