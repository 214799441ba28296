import type { Recorder } from '../events/recorder.js';
import type { InspectedMemory } from '../inspected-memory.js';
import type { Row } from '../protocol.js';
import type { AttributeReader } from './attribute-reader.js';
import { describeRow, type Level, type OpenTree } from './tree-rows.js';

const MAX_REASON = 500;

/** The level of the attributes with these names. */
export function attributeLevel(
  names: readonly string[],
  tree: OpenTree,
  memory: InspectedMemory,
  reader: AttributeReader,
  recorder: Recorder,
): Level {
  const nameAt = (index: number) => names[index] as string;
  const readValue = (name: string) => {
    const read = reader.read(name);
    return 'error' in read ? undefined : read.value;
  };
  const rowOf = (name: string): Row => {
    const read = reader.read(name);
    const revision = memory.$lastModified(name);
    const expiresAt = reader.expiresAt(name);
    const writer = recorder.writerOf(name);
    const { size, isEstimate } = { size: undefined, isEstimate: false, ...read };
    const attribute = {
      ...(size !== undefined && { size }),
      ...(isEstimate && ({ isEstimate } as const)),
      ...(revision !== undefined && { revision: revision.toString() }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(writer !== undefined && { writer }),
    };
    if ('error' in read) {
      return { path: [name], type: 'unreadable', preview: read.error.slice(0, MAX_REASON), attribute };
    }
    return { ...describeRow([name], read.value), attribute };
  };
  const open = tree.size === 0 ? [] : names.flatMap((name, index) => openAt(tree, name, index));
  return {
    path: [],
    count: names.length,
    keyAt: nameAt,
    indexOf: (key) => names.indexOf(String(key)),
    valueAt: (index) => readValue(nameAt(index)),
    open,
    rowAt: (index) => rowOf(nameAt(index)),
  };
}

function openAt(tree: OpenTree, name: string, index: number): { index: number; tree: OpenTree }[] {
  const child = tree.get(name);
  return child === undefined ? [] : [{ index, tree: child }];
}
