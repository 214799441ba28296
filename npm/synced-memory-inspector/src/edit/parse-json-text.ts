import { JsonSyntaxError, parseJson } from '../../../synced-memory/dist/cli/json-parser.js';
import { RequestFailure } from '../failure.js';

/** Parses JSON that a person wrote. Integers beyond 2^53 become BigInts. Throws an error that says what is wrong, and where. */
export function parseJsonText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    const details = { offset: error.offset };
    throw new RequestFailure(400, 'ERR_JSON', `this is not JSON: ${error.message} (${place})`, details);
  }
}
