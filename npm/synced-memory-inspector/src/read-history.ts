import { RequestFailure } from './failure.js';
import { type InspectedMemory, writerName } from './inspected-memory.js';
import { previewValue, printValue } from './print-value.js';
import { type AtRequest, type HistoryReply, MAX_TEXT, type RestoreRequest, type TextReply } from './protocol.js';

/** The most commits of an attribute that a page gets. */
const MAX_COMMITS = 500;
const MAX_PREVIEW = 300;

/** The newest commits of an attribute, the oldest of them first. */
export async function readCommits(memory: InspectedMemory, name: string): Promise<HistoryReply> {
  if (memory.$history === undefined) throw noHistory();
  const { entries } = await memory.$history(name, { last: MAX_COMMITS });
  const commits = entries.map((entry) => {
    const writer = writerName(entry);
    return {
      revision: entry.revision.toString(),
      time: entry.time.getTime(),
      ...(writer !== undefined && { writer }),
      ...(entry.mutations !== undefined && { mutations: previewValue(entry.mutations, MAX_PREVIEW) }),
      isAfterGap: entry.isAfterGap,
    };
  });
  return { commits: commits.reverse() };
}

/** The text of an attribute as it was at a revision. */
export async function readTextAt(memory: InspectedMemory, { name, revision }: AtRequest): Promise<TextReply> {
  if (memory.$at === undefined) throw noHistory();
  const value = await memory.$at(name, BigInt(revision));
  return value === undefined ? { text: '', isWhole: true } : printValue(value, MAX_TEXT, true);
}

/** Makes an attribute what it was at a revision. */
export async function restoreRevision(memory: InspectedMemory, { name, revision }: RestoreRequest): Promise<void> {
  if (memory.$restore === undefined) throw noHistory();
  await memory.$restore(name, BigInt(revision));
}

const noHistory = () => new RequestFailure(404, 'ERR_NOT_SUPPORTED', 'this version of synced-memory has no history');
