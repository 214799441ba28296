import { optionsError } from '../base/errors.js';
import { isWellFormed } from './attribute-name.js';

/** Longest label of a writer, in bytes of UTF-8. */
const MAX_LABEL_BYTES = 64;

/** Returns the label of a writer. Throws ERR_OPTIONS if it is not one: crates/core/src/writer_label.rs leaves out such labels. */
export function checkWriterLabel(label: unknown): string {
  const isLabel =
    typeof label === 'string' && label !== '' && isWellFormed(label) && !/[\p{C}\p{Zl}\p{Zp}]/u.test(label);
  if (!isLabel) {
    throw optionsError("writer must be a string that is not empty and has no control characters, such as 'billing-3'");
  }
  const { length } = new TextEncoder().encode(label);
  if (length <= MAX_LABEL_BYTES) return label;
  throw optionsError(`writer has ${length} bytes, and at most ${MAX_LABEL_BYTES} are kept: shorten it`);
}
