import { Memory, type SyncedMemoryError } from 'synced-memory';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apart, type Backend, backends, kinds } from './backends.js';

describe.each(kinds)('%s', (kind) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await backends[kind]();
  });
  afterAll(() => backend.stop());

  test('a document above maxDocumentBytes is unreadable, and the other attributes go on', async () => {
    const errors: SyncedMemoryError[] = [];
    const writer = await Memory.open({ url: backend.url });
    writer.large = 'x'.repeat(3000);
    writer.small = [1];
    await writer.$flush();
    const options = {
      url: apart(backend.url),
      maxDocumentBytes: 1000,
      onError: (error: SyncedMemoryError) => errors.push(error),
    };
    const reader = await Memory.open(options);
    const tooLarge = expect.objectContaining({ code: 'ERR_TOO_LARGE', attribute: 'large' });
    expect(() => reader.large).toThrow(tooLarge);
    expect(errors).toEqual([tooLarge]);
    expect(errors[0]?.message).toMatch(/^large: .* 3,0\d\d bytes, more than maxDocumentBytes \(1,000\)/);
    reader.small.push(2);
    await reader.$flush();
    expect(reader.small).toEqual([1, 2]);

    // The changes of another writer make a document too long, and short again.
    await writer.$sync();
    writer.small.push('y'.repeat(2000));
    writer.large = 'short';
    await writer.$flush();
    await vi.waitFor(() => {
      expect(() => reader.small).toThrow(expect.objectContaining({ code: 'ERR_TOO_LARGE' }));
      expect(reader.large).toBe('short');
    }, 10_000);
    reader.small = [3];
    await reader.$flush();
    await writer.$sync();
    expect(writer.small).toEqual([3]);
    await Promise.all([reader.$close(), writer.$close()]);
  });
});
