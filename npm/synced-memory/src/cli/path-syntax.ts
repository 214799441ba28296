import { checkAttributeName } from '../memory/attribute-name.js';
import { usageError } from './failure.js';

/** A place in a memory: an attribute, and the keys and indexes from its document down. */
export interface ParsedPath {
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** The rules of paths, for the help of the commands that take one. */
export const pathRules: readonly string[] = [
  'PATH is written as in JavaScript: tasks, tasks[3].title, config.theme.',
  'A key with other characters is quoted: config["a.b"]; so is such an attribute:',
  '["a.b"].x. Quote the whole for the shell: \'config["a.b"]\'. Indexes begin at 0.',
];

/** Parses a path. Throws a usage error that shows where it is wrong, or ERR_RESERVED_NAME. */
export function parsePath(text: string): ParsedPath {
  const keys: (string | number)[] = [];
  let at = 0;
  const fail = (problem: string, position = at) =>
    usageError(`the path cannot be read: ${problem}\n  ${text}\n  ${' '.repeat(position)}^`);
  const bare = (): string => {
    const start = at;
    while (at < text.length && text[at] !== '.' && text[at] !== '[') {
      if (text[at] === ']') throw fail('"]" has no "["; write a key with brackets as ["key"]');
      at++;
    }
    if (at === start) throw fail(keys.length === 0 ? 'a name is missing' : 'a key is missing after "."');
    return text.slice(start, at);
  };
  const bracket = (): string | number => {
    const start = at++;
    const rest = text.slice(at);
    const [inside] = /^(\d+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/s.exec(rest) ?? [''];
    if (inside === '') throw fail('"[" is followed by an index, as in [0], or by a quoted key, as in ["key"]', start);
    at += inside.length;
    if (text[at] !== ']') throw fail('"]" is missing');
    at++;
    return /^\d/.test(inside) ? Number(inside) : unquote(inside, () => fail('the quoted key is not right', start));
  };
  keys.push(text[0] === '[' ? bracket() : bare());
  while (at < text.length) {
    if (text[at] === '[') keys.push(bracket());
    else if (text[at] === '.') {
      at++;
      keys.push(bare());
    } else throw fail('"." or "[" goes between two keys');
  }
  const [name, ...path] = keys;
  return { name: checkAttributeName(String(name)), path };
}

function unquote(text: string, fail: () => Error): string {
  const inside = text.slice(1, -1);
  const json = text[0] === '"' ? inside : inside.replace(/\\'|"/g, (found) => (found === '"' ? '\\"' : "'"));
  try {
    return JSON.parse(`"${json}"`);
  } catch {
    throw fail();
  }
}

/** Writes a path so that {@link parsePath} reads it. */
export function formatPath([name, ...path]: readonly (string | number)[]): string {
  const start = isPlain(String(name)) ? String(name) : `[${JSON.stringify(name)}]`;
  return start + path.map(formatKey).join('');
}

function formatKey(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return isPlain(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

const isPlain = (key: string): boolean => /^[\p{ID_Continue}$@{}/+-]+$/u.test(key);
