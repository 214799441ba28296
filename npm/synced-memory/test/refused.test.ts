// What must not happen: the core does not take what the mirror has done.
import { expect, test } from 'vitest';
import { engine } from '../src/addon.js';
import type { SyncedMemoryError } from '../src/errors.js';
import { settle } from '../src/options.js';
import { Store } from '../src/store.js';

async function opened(onError: (error: SyncedMemoryError) => void): Promise<Store> {
  const settings = settle({ url: 'memory://refused', onError }, { url: () => '', prefix: () => undefined });
  const store = new Store(await engine.bind(settings), settings, false, {});
  await store.opened();
  return store;
}

test('is refused like by a server, and everything else goes on', async () => {
  const errors: SyncedMemoryError[] = [];
  const store = await opened((error) => errors.push(error));
  const list = () => store.mirror.get('list') as number[];
  store.mirror.assign('list', [1, 2]);
  store.mirror.assign('other', []);
  await store.flush();

  (store.mirror.attributes.list as number[]).length = 0;
  (store.mirror.attributes.list as number[]).push(8, 9, 10, 11);
  list()[3] = 4;
  (store.mirror.get('other') as number[]).push(1);
  const flushed = store.flush();
  list().push(5);
  await expect(flushed).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', attribute: 'list' });
  expect([...list()]).toEqual([1, 2]);
  expect(errors.map(({ code }) => code)).toEqual(['ERR_NOT_FOUND']);

  list().push(6);
  await store.flush();
  expect(store.pending).toBe(0);
  const again = await opened(() => {});
  expect(again.mirror.snapshots.of(again.mirror.attributes)).toEqual({ list: [1, 2, 6], other: [1] });
  await again.shutDown();
  await store.shutDown();
});
