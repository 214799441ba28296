/** The deepest nesting that is read. A memory stores 512 levels at most. */
const MAX_DEPTH = 1000;

/** A text that is not JSON: what is wrong, and where. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  /** Position in the text, from 0. */
  readonly offset: number;

  constructor(problem: string, offset: number) {
    super(problem);
    this.offset = offset;
  }
}

/** Parses JSON. Integers beyond 2^53 become BigInts. Throws {@link JsonSyntaxError}. */
export function parseJson(text: string): unknown {
  // Node's parser is many times faster, but rounds long integers and does not always tell the position of an error.
  if (!/\d{16}/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // The parser below finds out why.
    }
  }
  return new JsonParser(text).parse();
}

class JsonParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): unknown {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('there is more after the value');
    return value;
  }

  #value(): unknown {
    this.#skipSpace();
    const character = this.#text[this.#at];
    if (character === '{') return this.#nested(() => this.#object());
    if (character === '[') return this.#nested(() => this.#array());
    if (character === '"') return this.#string();
    const literal = this.#match(/(?:true|false|null)\b/y);
    if (literal !== undefined) return JSON.parse(literal);
    return this.#number();
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH} levels`);
    this.#at++;
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): object {
    const object = {};
    if (this.#skip('}')) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#error('a key in double quotes is expected');
      const key = this.#string();
      if (!this.#skip(':')) throw this.#error('":" is expected after the key');
      // An assignment to __proto__ would change the prototype.
      const property = { value: this.#value(), writable: true, enumerable: true, configurable: true };
      Object.defineProperty(object, key, property);
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.#error('"," or "}" is expected');
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    if (this.#skip(']')) return array;
    do array.push(this.#value());
    while (this.#skip(','));
    if (!this.#skip(']')) throw this.#error('"," or "]" is expected');
    return array;
  }

  #string(): string {
    const start = this.#at;
    const string = this.#match(/"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy);
    if (string !== undefined) return JSON.parse(string);
    this.#match(/"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/uy);
    const problem = { '\\': 'an escape that JSON does not have', undefined: 'the string that begins here has no end' };
    const found = this.#text[this.#at];
    if (found === undefined) throw this.#error(problem.undefined, start);
    throw this.#error(found === '\\' ? problem['\\'] : 'a control character in a string; write \\n for a line break');
  }

  #number(): number | bigint {
    const digits = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (digits === undefined) throw this.#error('a value is expected');
    const number = Number(digits);
    return /^-?\d+$/.test(digits) && !Number.isSafeInteger(number) ? BigInt(digits) : number;
  }

  #skip(character: string): boolean {
    this.#skipSpace();
    const isThere = this.#text[this.#at] === character;
    if (isThere) this.#at++;
    return isThere;
  }

  #skipSpace(): void {
    this.#match(/[ \t\r\n]*/y);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    this.#at += found?.length ?? 0;
    return found;
  }

  #error(problem: string, at = this.#at): JsonSyntaxError {
    return new JsonSyntaxError(at < this.#text.length ? problem : `${problem}, and the text ends`, at);
  }
}
