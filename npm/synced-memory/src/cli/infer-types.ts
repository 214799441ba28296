/** The fewest keys of a dict whose values have one type that make it a Record. */
const RECORD_KEYS = 12;

/** The type of some values that stand in the same place. */
interface Inferred {
  /** `string`, `number`, `bigint`, `boolean`, `null`. */
  readonly scalars: Set<string>;
  /** The elements of lists; undefined where no value is a list. */
  elements: Inferred | undefined;
  /** The dicts; undefined where no value is one. */
  dict: InferredDict | undefined;
}

interface InferredDict {
  /** The number of dicts. */
  count: number;
  /** The values by key, and how many dicts have the key. */
  readonly keys: Map<string, { type: Inferred; count: number }>;
}

/** The text of a TypeScript interface that has the attributes of a snapshot. */
export function describeInterface(name: string, snapshot: object): string {
  const type = newType();
  include(type, snapshot);
  return `export interface ${name} ${dictText(type.dict as InferredDict, '', false)}`;
}

const newType = (): Inferred => ({ scalars: new Set(), elements: undefined, dict: undefined });

/** Widens a type so that it has the value. */
function include(type: Inferred, value: unknown): void {
  if (value === null) type.scalars.add('null');
  else if (Array.isArray(value)) {
    type.elements ??= newType();
    for (const element of value) include(type.elements, element);
  } else if (typeof value === 'object') {
    type.dict ??= { count: 0, keys: new Map() };
    type.dict.count++;
    for (const [key, each] of Object.entries(value)) {
      const known = type.dict.keys.get(key) ?? { type: newType(), count: 0 };
      type.dict.keys.set(key, known);
      known.count++;
      include(known.type, each);
    }
  } else type.scalars.add(typeof value);
}

const typeText = (type: Inferred, indent: string): string => typeParts(type, indent).join(' | ') || 'unknown';

/** The members of a union. */
function typeParts({ scalars, elements, dict }: Inferred, indent: string): string[] {
  const parts = [...scalars].sort();
  if (elements !== undefined) {
    const element = typeText(elements, indent);
    parts.unshift(typeParts(elements, indent).length > 1 ? `(${element})[]` : `${element}[]`);
  }
  if (dict !== undefined) parts.unshift(dictText(dict, indent, true));
  // null last, as people write it.
  return [...parts.filter((part) => part !== 'null'), ...parts.filter((part) => part === 'null')];
}

function dictText({ count, keys }: InferredDict, indent: string, mayBeRecord: boolean): string {
  const deeper = `${indent}  `;
  const texts = [...keys].map(([key, { type, count: having }]) => ({
    key: /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? key : JSON.stringify(key),
    mark: having < count ? '?' : '',
    text: typeText(type, deeper),
  }));
  if (texts.length === 0) return mayBeRecord ? 'Record<string, unknown>' : '{}';
  const distinct = new Set(texts.map(({ text }) => text));
  if (mayBeRecord && texts.length >= RECORD_KEYS && distinct.size === 1) return `Record<string, ${[...distinct][0]}>`;
  const lines = texts.map(({ key, mark, text }) => `${deeper}${key}${mark}: ${text};`);
  return `{\n${lines.join('\n')}\n${indent}}`;
}
