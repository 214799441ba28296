/** Position inside an attribute: the keys and indexes that lead from its document to a value. Empty for the document. */
export type Path = readonly (string | number)[];

/** An attribute and a path in it, written as JavaScript would: `tasks[3].due`. */
export function formatPath(attribute: string, path: Path): string {
  let text = attribute;
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}
