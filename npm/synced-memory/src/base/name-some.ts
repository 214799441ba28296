/** Greatest number of names in one message. */
const MAX_NAMES = 20;

/** A list of names for a message, of which only the first ones are written out. */
export function nameSome(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
}
