/** JSON text of a string. JSON.stringify takes four times as long for the short plain keys that most are. */
export function quote(text: string): string {
  if (text.length > 32) return JSON.stringify(text);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Would JSON.stringify print this float as an integer that readers take for a BigInt? */
export function looksLikeBigInt(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
}

/** Canonical JSON text of a copied value. */
export function print(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && looksLikeBigInt(value)) return value.toExponential();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(print).join()}]`;
  return `{${Object.entries(value)
    .map(([key, property]) => `${JSON.stringify(key)}:${print(property)}`)
    .join()}}`;
}

/**
 * Reads text of the core: '=' and JSON, or '~' and JSON whose numbers that a double cannot hold are strings
 * `\0n<lexeme>`, and whose strings that begin with U+0000 are `\0s<string>`.
 */
export function decode(text: string): unknown {
  const json = text.slice(1);
  return text.startsWith('~') ? JSON.parse(json, (_key, value) => untag(value)) : JSON.parse(json);
}

function untag(value: unknown): unknown {
  if (typeof value !== 'string' || value.charCodeAt(0) !== 0) return value;
  const content = value.slice(2);
  if (value[1] === 's') return content;
  return /^-?\d+$/.test(content) ? BigInt(content) : Number(content);
}
