/** The array index that a property key stands for; -1 if it is not one. */
export function toArrayIndex(key: string | symbol): number {
  if (typeof key === 'symbol' || key.length > 10 || (key.length > 1 && key.charCodeAt(0) === 48)) return -1;
  let index = key === '' ? -1 : 0;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    if (!isDigit(code)) return -1;
    index = index * 10 + code - 48;
  }
  return index < 2 ** 32 - 1 ? index : -1;
}

/** True for the character code of a decimal digit. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
