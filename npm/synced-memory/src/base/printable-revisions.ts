/**
 * Lets JSON.stringify print the revisions of an event as strings of decimal digits; it throws for a BigInt otherwise. The method is
 * hidden: to everything else the event is plain.
 */
export function withPrintableRevisions<T extends object>(event: T, ...revisions: (keyof T)[]): T {
  const toJSON = () => {
    const printed = revisions.map((name) => [name, (event[name] as bigint | undefined)?.toString()]);
    return { ...event, ...Object.fromEntries(printed) };
  };
  return Object.defineProperty(event, 'toJSON', { value: toJSON });
}
