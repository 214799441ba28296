import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The numbers that a file of Rust or TypeScript gives to names in capitals. */
function numbers(file: string): Record<string, number> {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/const ([A-Z_]+)(?:: u32)? = (\d+);/g)].map(([, name, number]) => [name, Number(number)]),
  );
}

test.each([
  ['asks', 'asks', 20],
  ['values', 'core', 4],
])('both sides of the wasm build have the same numbers: %s.rs, %s.ts', (rust, typescript, count) => {
  const expected = numbers(`crates/wasm/src/${rust}.rs`);
  expect(Object.keys(expected)).toHaveLength(count);
  expect(numbers(`npm/synced-memory/src/wasm/${typescript}.ts`)).toEqual(expected);
});
