import { previewValue } from '../print-value.js';
import type { SearchReply, ValuePath } from '../protocol.js';
import type { AttributeReader } from './attribute-reader.js';
import { keysOf } from './keys.js';

const MAX_FOUND = 200;
const MAX_PREVIEW = 160;
/** The longest slice of searching, and the longest search, in milliseconds. */
const SLICE_MS = 6;
const MAX_MS = 10_000;
/** Number of values between two looks at the clock. */
const CHECK_EVERY = 500;

interface Place {
  readonly value: unknown;
  readonly path: ValuePath;
}

/** Finds values whose key, text or number contains `text`, in any case. Does other work of the process in between. */
export async function searchValues(reader: AttributeReader, text: string, signal: AbortSignal): Promise<SearchReply> {
  const sought = text.toLowerCase();
  const found: SearchReply['found'][number][] = [];
  const began = performance.now();
  let sliceEnd = began + SLICE_MS;
  let visited = 0;
  for (const name of reader.names()) {
    const attribute = reader.read(name);
    if ('error' in attribute) continue;
    for (const place of placesIn(attribute.value, [name])) {
      if (matches(place, sought)) {
        if (found.length === MAX_FOUND) return { found, isComplete: false };
        found.push({ path: place.path, preview: previewValue(place.value, MAX_PREVIEW) });
      }
      if (++visited % CHECK_EVERY !== 0 || performance.now() < sliceEnd) continue;
      if (signal.aborted || performance.now() - began > MAX_MS) return { found, isComplete: false };
      await new Promise((resolve) => setTimeout(resolve));
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
  return { found, isComplete: true };
}

function* placesIn(value: unknown, path: ValuePath): Generator<Place> {
  yield { value, path };
  if (typeof value !== 'object' || value === null) return;
  const keys = Array.isArray(value) ? value.keys() : keysOf(value);
  for (const key of keys) yield* placesIn((value as Record<string | number, unknown>)[key], [...path, key]);
}

function matches({ value, path }: Place, sought: string): boolean {
  const key = path.at(-1);
  if (typeof key === 'string' && key.toLowerCase().includes(sought)) return true;
  if (typeof value === 'object' && value !== null) return false;
  return String(value).toLowerCase().includes(sought);
}
