import { afterEach, expect, test, vi } from 'vitest';
import { SyncedMemoryError } from '../src/base/errors.js';
import { EventListeners } from '../src/changes/event-listeners.js';

const error = new SyncedMemoryError('ERR_REFUSED', 'tasks: refused');
const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
afterEach(() => warnings.mockClear());

test('an error that only a passive listener gets is still printed', () => {
  const listeners = new EventListeners(undefined);
  const seen: SyncedMemoryError[] = [];
  const stop = listeners.on('error', (each) => seen.push(each), undefined, { passive: true });
  listeners.emit('error', error);
  expect([seen, warnings.mock.calls.length, listeners.isHeard('error')]).toEqual([[error], 1, false]);
  listeners.on('error', () => {});
  listeners.emit('error', error);
  stop();
  listeners.emit('error', error);
  expect([seen.length, warnings.mock.calls.length, listeners.isHeard('error')]).toEqual([2, 1, true]);
});

test('a passive listener leaves earlier warnings to the first other one', async () => {
  const listeners = new EventListeners(undefined);
  listeners.emit('warning', error);
  const passive = await new Promise((resolve) => listeners.on('warning', resolve, undefined, { passive: true }));
  const active = await new Promise((resolve) => listeners.on('warning', resolve));
  expect([passive, active]).toEqual([error, error]);
});

test('a lost connection that only a passive listener hears of counts as unheard', () => {
  const listeners = new EventListeners(undefined);
  listeners.onUnheardLoss = vi.fn();
  listeners.on('disconnect', () => {}, undefined, { passive: true });
  listeners.emit('disconnect', error);
  expect(listeners.onUnheardLoss).toHaveBeenCalledWith(error);
});

test('an unknown option is refused', () => {
  const wrong = { pasive: true } as object;
  expect(() => new EventListeners(undefined).on('error', () => {}, undefined, wrong)).toThrow('keepAlive and passive');
});
