import { effect, signal, untracked } from '@preact/signals';
import type { ChangeEntry } from '../../protocol.js';
import { lastChange, recording } from '../events.js';
import { ask } from '../request.js';

/** Number of changes that are shown while the feed runs, and that each step back adds. */
const LIVE = 60;
const STEP = 200;
/** The most changes that the page keeps. */
const MAX_SHOWN = 3000;

export const filter = signal('');
export const isPaused = signal(false);
export const entries = signal<readonly ChangeEntry[]>([]);
/** True where older changes are not recorded any more, or there are none. */
export const isAtEnd = signal(false);

let isAsking = false;
let isOutdated = false;

/** Asks for the newest changes; at most one request is under way. */
async function askNewest(): Promise<void> {
  if (isAsking) {
    isOutdated = true;
    return;
  }
  isAsking = true;
  isOutdated = false;
  try {
    const reply = await ask<'changes'>({ op: 'changes', filter: filter.value, count: LIVE });
    if (isPaused.value) return;
    entries.value = reply.changes;
    isAtEnd.value = reply.changes.length < LIVE;
  } catch {
    // The banner says what is wrong; the next event asks again.
  } finally {
    isAsking = false;
    if (isOutdated) requestAnimationFrame(() => void askNewest());
  }
}

/** Adds older changes. The feed must be paused. */
export async function goBack(): Promise<void> {
  const oldest = entries.value.at(-1);
  if (isAsking || isAtEnd.value || oldest === undefined || entries.value.length >= MAX_SHOWN) return;
  isAsking = true;
  try {
    const request = { op: 'changes', filter: filter.value, before: oldest.number, count: STEP } as const;
    const { changes } = await ask<'changes'>(request);
    if (isPaused.value) entries.value = [...entries.value, ...changes];
    isAtEnd.value = changes.length < STEP;
  } catch {
    // The banner says what is wrong.
  } finally {
    isAsking = false;
  }
}

/** Follows the changes while a feed is on the page. Returns the function that stops it. */
export function followChanges(): () => void {
  return effect(() => {
    void [lastChange.value, recording.value, filter.value];
    if (!isPaused.value && document.visibilityState === 'visible') untracked(() => void askNewest());
  });
}
