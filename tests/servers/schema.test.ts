// Validators by the Standard Schema decide what an attribute may hold.
import { type } from 'arktype';
import { Memory, type StandardSchema, SyncedMemoryError } from 'synced-memory';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { z } from 'zod';

let memories = 0;
const place = () => `memory://schema-${++memories}`;

const validators = {
  zod: z.object({ name: z.string(), age: z.number().int().min(0), tags: z.array(z.string()) }),
  valibot: v.object({
    name: v.string(),
    age: v.pipe(v.number(), v.integer(), v.minValue(0)),
    tags: v.array(v.string()),
  }),
  arktype: type({ name: 'string', age: 'number.integer >= 0', tags: 'string[]' }),
};

interface State {
  user: { name: string; age: number; tags: string[] };
}

describe.each(Object.keys(validators) as (keyof typeof validators)[])('%s', (vendor) => {
  const schema = { user: validators[vendor] as StandardSchema<State['user']> };

  test('a mutation against the schema throws at its line and changes nothing', async () => {
    const url = place();
    const mem = await Memory.open<State>({ url, schema });
    mem.user = { name: 'Alice', age: 7, tags: ['a', 'b', 'c'] };
    const { user } = mem;
    const before = mem.$snapshot();
    const changes: unknown[] = [];
    mem.$on('change', (change) => changes.push(change));
    // biome-ignore lint/suspicious/noExplicitAny: what the types do not let through
    const any = mem as any;
    const refused = (path: (string | number)[], mutate: () => unknown) => {
      const error = expect.objectContaining({ code: 'ERR_SCHEMA', attribute: 'user', path });
      expect(mutate).toThrow(error);
      expect(mem.$snapshot()).toEqual(before);
      expect(JSON.stringify(mem)).toBe(JSON.stringify(before));
    };
    refused(['age'], () => {
      mem.user.age = -1;
    });
    refused(['name'], () => delete any.user.name);
    refused(['tags', 3], () => any.user.tags.push(4));
    refused(['tags', 1], () => any.user.tags.splice(1, 1, null));
    refused(['tags', 0], () => {
      any.user.tags[0] = {};
    });
    refused(['age'], () => {
      any.user = { name: 'Bob', age: 'seven', tags: [] };
    });
    refused(['age'], () => mem.$batch(() => Object.assign(mem.user, { name: 'Bob', age: 0.5 })));
    expect(mem.user).toBe(user);
    expect(mem.$status.pending).toBe(1);
    mem.user.age = 8;
    mem.user.tags.sort().pop();
    await mem.$flush();
    expect(changes).toHaveLength(2);
    const other = await Memory.open({ url });
    expect(other.user).toEqual({ name: 'Alice', age: 8, tags: ['a', 'b'] });
    await Promise.all([mem.$close(), other.$close()]);
  });

  test('a foreign value against the schema raises an error event and is readable', async () => {
    const url = place();
    const errors: SyncedMemoryError[] = [];
    const other = await Memory.open({ url });
    other.user = { name: 1, age: 0, tags: [] };
    await other.$flush();
    const mem = await Memory.open<State>({ url, schema, onError: (error) => errors.push(error) });
    expect(mem.user).toEqual({ name: 1, age: 0, tags: [] });
    expect(errors).toMatchObject([{ code: 'ERR_SCHEMA', attribute: 'user', path: ['name'] }]);
    other.user = { name: 'Bob', age: 1, tags: [] };
    await other.$flush();
    await vi.waitFor(() => expect(mem.user.age).toBe(1));
    other.user.tags.push(7);
    await other.$flush();
    await vi.waitFor(() => expect(errors).toHaveLength(2));
    expect(errors[1]).toMatchObject({ code: 'ERR_SCHEMA', path: ['tags', 0] });
    expect(mem.user.tags).toEqual([7]);
    await Promise.all([mem.$close(), other.$close()]);
  });
});

test('types are inferred from the validators; what has no default may be absent', async () => {
  const schema = { user: validators.zod, log: v.array(v.string()), flag: type('boolean') };
  await using mem = await Memory.open({ url: place(), schema, defaults: { log: [] } });
  expectTypeOf(mem.user).toEqualTypeOf<State['user'] | undefined>();
  expectTypeOf(mem.log).toEqualTypeOf<string[]>();
  expectTypeOf(mem.flag).toEqualTypeOf<boolean | undefined>();
  expectTypeOf(mem.$snapshot('log')).toEqualTypeOf<readonly string[]>();
  mem.log = [];
  // @ts-expect-error: not a string
  expect(() => mem.log.push(1)).toThrow(SyncedMemoryError);
});

test('invalid arguments', async () => {
  const open = (schema: unknown) => Memory.open({ url: place(), schema: schema as Record<string, StandardSchema> });
  for (const schema of [7, { user: 7 }, { user: {} }, { user: () => true }, { user: { '~standard': {} } }]) {
    await expect(open(schema)).rejects.toMatchObject({ code: 'ERR_OPTIONS' });
  }
  const later = { '~standard': { version: 1, vendor: 'test', validate: async () => ({}) } } as const;
  const mem = await open({ user: later });
  expect(() => {
    mem.user = 1;
  }).toThrow(expect.objectContaining({ code: 'ERR_SCHEMA', message: expect.stringContaining('asynchronously') }));
  expect('user' in mem).toBe(false);
  await mem.$close();
  const broken = Memory.open({ url: place(), schema: { user: validators.zod }, defaults: { user: 1 } });
  await expect(broken).rejects.toBeInstanceOf(SyncedMemoryError);
});
