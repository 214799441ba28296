// The mirror is corrupted on purpose: the core then rejects a mutation that the mirror has applied.
import { expect, test } from 'vitest';
import type { SyncedMemoryError } from '../src/base/errors.js';
import { engine } from '../src/engine/addon/addon-engine.js';
import { MemoryInternals } from '../src/memory/memory-internals.js';
import { resolveOptions } from '../src/memory/resolve-options.js';

async function open(onError: (error: SyncedMemoryError) => void): Promise<MemoryInternals> {
  const settings = resolveOptions([{ url: 'memory://refused', onError }], { url: () => '', prefix: () => undefined });
  const internals = new MemoryInternals(await engine.prepare(settings), settings, false, {});
  await internals.open();
  return internals;
}

test('a mutation that the core rejects is rolled back, and later mutations sync', async () => {
  const errors: SyncedMemoryError[] = [];
  const internals = await open((error) => errors.push(error));
  const list = () => internals.mirror.get('list') as number[];
  internals.mirror.assign('list', [1, 2]);
  internals.mirror.assign('other', []);
  await internals.flush();

  (internals.mirror.attributes.list as number[]).length = 0;
  (internals.mirror.attributes.list as number[]).push(8, 9, 10, 11);
  list()[3] = 4;
  (internals.mirror.get('other') as number[]).push(1);
  const flushed = internals.flush();
  list().push(5);
  await expect(flushed).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', attribute: 'list' });
  expect([...list()]).toEqual([1, 2]);
  expect(errors.map(({ code }) => code)).toEqual(['ERR_NOT_FOUND']);

  list().push(6);
  await internals.flush();
  expect(internals.pending).toBe(0);
  const again = await open(() => {});
  expect(again.mirror.snapshots.of(again.mirror.attributes)).toEqual({ list: [1, 2, 6], other: [1] });
  await again.close();
  await internals.close();
});
