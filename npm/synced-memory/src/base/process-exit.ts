import type { SyncedMemoryError } from './errors.js';
import { nameSome } from './name-some.js';
import { nodeProcess } from './runtime.js';

/** A memory whose pending mutations are flushed before the process ends. */
export interface FlushTarget {
  /** Number of mutations that are not acknowledged. */
  readonly pending: number;
  /** The attributes of those mutations. */
  readonly pendingNames: readonly string[];
  /** The state of the journal. One that is written has all of them for the next process, so that nothing is lost. */
  readonly journal: 'none' | 'written' | 'unwritten';
  /** Longest time to wait for them at exit, in milliseconds. */
  readonly exitTimeout: number;
  /** Resolves when everything is acknowledged; rejects with ERR_TIMEOUT after `timeout` milliseconds. */
  flush(timeout: number): Promise<void>;
  /** Blocks until everything is acknowledged. Throws where {@link flush} rejects, and where the build cannot block. */
  flushSync(timeout: number): void;
}

/** Longest time that `process.exit()` is held up by all memories together, in milliseconds. */
const MAX_EXIT_MS = 1_000;

const targets = new Set<FlushTarget>();
let holders = 0;
let holdTimer: NodeJS.Timeout | undefined;

/** Keeps the process alive until the promise settles. The I/O that settles it runs on threads that do not. */
export async function keepProcessAlive<T>(promise: Promise<T>): Promise<T> {
  if (nodeProcess() === undefined) return promise;
  hold();
  try {
    return await promise;
  } finally {
    release();
  }
}

/** Keeps the process alive until the returned function is called. Further calls of that function do nothing. */
export function holdProcess(): () => void {
  let isHeld = nodeProcess() !== undefined;
  if (isHeld) hold();
  return () => {
    if (isHeld) release();
    isHeld = false;
  };
}

function hold(): void {
  // One timer for all: a new one for each wait would cost as much as the rest of the wait.
  holdTimer ??= setInterval(() => {}, 0x7fff_ffff);
  if (holders++ === 0) holdTimer.ref();
}

function release(): void {
  if (--holders === 0) holdTimer?.unref();
}

/**
 * Makes a process that has nothing left to do wait for the target's pending mutations, at most its `exitTimeout`, and
 * `process.exit()` for at most a second. What is lost is printed.
 */
export function flushBeforeExit(target: FlushTarget): void {
  if (targets.size === 0) nodeProcess()?.on('beforeExit', flushAll).on('exit', flushAllSync);
  targets.add(target);
}

/** Undoes {@link flushBeforeExit}. */
export function stopFlushingBeforeExit(target: FlushTarget): void {
  targets.delete(target);
  if (targets.size === 0) nodeProcess()?.off('beforeExit', flushAll).off('exit', flushAllSync);
}

/** Node emits `beforeExit` again when the event loop is empty again, so mutations made meanwhile are flushed, too. */
function flushAll(): void {
  for (const target of targets) {
    if (target.pending === 0) continue;
    target.flush(target.exitTimeout).catch((error: SyncedMemoryError) => {
      // A refusal was reported by an event already.
      if (error.code !== 'ERR_TIMEOUT') return;
      // Otherwise the next `beforeExit` would wait for the same mutations again.
      stopFlushingBeforeExit(target);
      if (target.journal === 'written') return;
      printLoss(target, `after waiting exitTimeout (${target.exitTimeout} ms)`);
      const process = nodeProcess();
      if (process !== undefined) process.exitCode ??= 1;
    });
  }
}

/** After `process.exit()`, nothing asynchronous happens any more. */
function flushAllSync(): void {
  const end = performance.now() + MAX_EXIT_MS;
  for (const target of targets) {
    if (target.pending === 0) continue;
    let reason = '';
    try {
      // A flush passes the mutations of this task to the journal at once, without waiting.
      const timeout = target.journal === 'none' ? Math.min(end - performance.now(), target.exitTimeout) : 0;
      target.flushSync(Math.max(timeout, 0));
    } catch (error) {
      const { code, message } = error as SyncedMemoryError;
      if (code !== 'ERR_TIMEOUT') reason = ` (${message})`;
    }
    if (target.pending > 0 && target.journal !== 'written') printLoss(target, `by process.exit()${reason}`);
  }
}

function printLoss({ pending, pendingNames, journal }: FlushTarget, circumstance: string): void {
  const mutations = `${pending} unacknowledged mutations of ${nameSome(pendingNames)}`;
  const outcome =
    journal === 'none'
      ? 'which are lost; await $flush() or $close() first'
      : 'of which those are lost that the journal could not take: make room for it, or give it another disk';
  const line = `synced-memory: the process exits ${circumstance} with ${mutations}, ${outcome}\n`;
  // A process warning would be printed later, which is too late.
  nodeProcess()?.stderr.write(line);
}
