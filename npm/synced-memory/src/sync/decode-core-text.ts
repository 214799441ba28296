/**
 * Decodes text that the core wrote. `=` precedes plain JSON. `~` precedes JSON in which a number that a double cannot hold
 * is the string `\0n<lexeme>`, and a string that begins with U+0000 is `\0s<string>`.
 */
export function decodeCoreText(text: string): unknown {
  const json = text.slice(1);
  return text.startsWith('~') ? JSON.parse(json, (_key, value) => decodeTagged(value)) : JSON.parse(json);
}

function decodeTagged(value: unknown): unknown {
  if (typeof value !== 'string' || value.charCodeAt(0) !== 0) return value;
  const content = value.slice(2);
  if (value[1] === 's') return content;
  return /^-?\d+$/.test(content) ? BigInt(content) : Number(content);
}
