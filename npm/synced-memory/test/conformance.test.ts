// The vectors that every layer replays: here as patches of the mirror. The core replays them on its documents.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Mirror } from '../src/mirror.js';

interface Vector {
  document: string;
  mutations: unknown[][];
  text: string;
}

const file = new URL('../../../tests/conformance/mutations.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const nobody = { admit: () => {}, record: () => {}, recordAppend: () => {} };

test.each(vectors)('$document, $mutations', ({ document, mutations, text }) => {
  const mirror = new Mirror(nobody);
  mirror.load('a', JSON.parse(document));
  mirror.patch('a', mutations);
  expect(JSON.stringify(mirror.get('a'))).toBe(JSON.stringify(JSON.parse(text)));
});
