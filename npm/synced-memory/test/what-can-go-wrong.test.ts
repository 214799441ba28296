import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
/** The first cells of all tables of the page. */
const explained = [...read('../../../docs/what-can-go-wrong.md').matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);

/** The keys of an interface or the members of a union, of which the source is given. */
function members(source: string, start: string, end: string, member: RegExp): string[] {
  const body = source.slice(source.indexOf(start), source.indexOf(end, source.indexOf(start)));
  return [...body.matchAll(member)].map((match) => match[1] as string);
}

describe('docs/what-can-go-wrong.md explains', () => {
  const codes = members(read('../src/base/errors.ts'), 'export type ErrorCode', ';', /'(ERR_\w+)'/g);
  const events = members(read('../src/changes/event-map.ts'), 'export interface EventMap', '\n}', /^ {2}(\w+): /gm);
  const coreCodes = [...read('../../../crates/core/src/error.rs').matchAll(/=> "(ERR_\w+)"/g)].map((match) => match[1]);

  test('every event and every error code, and nothing else', () => {
    expect(codes.length).toBeGreaterThan(20);
    expect(events).toContain('regression');
    expect([...explained].sort()).toEqual([...events, ...codes].sort());
  });

  test('every code of the core', () => {
    expect(coreCodes.length).toBeGreaterThan(10);
    expect(codes).toEqual(expect.arrayContaining(coreCodes));
  });
});
