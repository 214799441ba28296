/** Position inside an attribute: the keys and indexes that lead from its document to a value. Empty for the document. */
export type Path = readonly (string | number)[];

/** Number of keys above which only the first and the last ones of a path are written. */
const MAX_WRITTEN = 16;
const FIRST = 3;
const LAST = 1;

/** An attribute and a path in it, written as JavaScript would: `tasks[3].due`. A long path is shortened. */
export function formatPath(attribute: string, path: Path): string {
  if (path.length > MAX_WRITTEN) {
    const [first, last] = [path.slice(0, FIRST), path.slice(-LAST)];
    return `${formatPath(attribute, first)}…(${path.length} levels)…${formatPath('', last)}`;
  }
  let text = attribute;
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}
