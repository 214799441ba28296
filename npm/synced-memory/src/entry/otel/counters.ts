import type { MergeTrace, RejectTrace, ResyncTrace } from '../../base/traces.js';
import type { Instruments } from './instruments.js';
import { errorType, sourceAttributes } from './source-attributes.js';

/** Counts merges, with the mutations that they dropped. */
export function mergeHandlers({ merges, conflicts, moots, collection }: Instruments) {
  return {
    end(context: MergeTrace): void {
      const attributes = { ...sourceAttributes(context, 'merge'), ...collection(context, context.attribute) };
      merges.add(1, attributes);
      if (context.conflicts > 0) conflicts.add(context.conflicts, attributes);
      if (context.moots > 0) moots.add(context.moots, attributes);
    },
  };
}

/** Counts documents that were read again. */
export function resyncHandlers({ resyncs, resyncBytes, collection }: Instruments) {
  return {
    end(context: ResyncTrace): void {
      const attributes = { ...sourceAttributes(context, 'resync'), ...collection(context, context.attribute) };
      resyncs.add(1, attributes);
      resyncBytes.add(context.bytes, attributes);
    },
  };
}

/** Counts refusals. */
export function rejectHandlers({ rejections, collection }: Instruments) {
  return {
    end(context: RejectTrace): void {
      const source = sourceAttributes(context, 'commit');
      rejections.add(1, { ...source, ...collection(context, context.attribute), ...errorType(context.error) });
    },
  };
}
