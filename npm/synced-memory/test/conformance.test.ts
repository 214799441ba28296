// The vectors of mutations that every layer replays, here as patches of a mirror.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Mirror } from '../src/mirror/mirror.js';

interface Vector {
  document: string;
  mutations: unknown[][];
  text: string;
}

const file = new URL('../../../tests/conformance/mutations.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const recorder = { admit: () => {}, record: () => {}, recordAppend: () => {}, recordPrepend: () => {} };

test.each(vectors)('$document, $mutations', ({ document, mutations, text }) => {
  const mirror = new Mirror(recorder);
  mirror.applyLoad('a', JSON.parse(document));
  mirror.applyPatch('a', mutations);
  expect(JSON.stringify(mirror.get('a'))).toBe(JSON.stringify(JSON.parse(text)));
});
