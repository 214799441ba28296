import util from 'node:util';
import { EXIT } from './failure.js';

type Style = Parameters<typeof util.styleText>[0];

/** Colours a text for a stream that shows colours: a terminal, unless NO_COLOR is set, or anything under FORCE_COLOR. */
export function styled(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const hasColors = FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY === true && !NO_COLOR;
  // Node before 20.12 has no styleText.
  return hasColors && util.styleText !== undefined ? util.styleText(style, text) : text;
}

/** Text from somebody else's data, without the characters that control a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1).replace('\x7f', '\\u007f'));
}

/** Prints a line on the standard output. */
export function print(line: string): void {
  clearProgress();
  process.stdout.write(`${line}\n`);
}

/** Prints a line on the standard error. */
export function note(line: string): void {
  clearProgress();
  process.stderr.write(`${line}\n`);
}

/** Ends the process when the standard output can take no more, as other programs do. */
export function endOnClosedOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe);
    note(`synced-memory: the standard output cannot be written: ${error.message}`);
    process.exit(EXIT.failed);
  });
  // Nobody is left to tell.
  process.stderr.on('error', () => process.exit(EXIT.brokenPipe));
}

/** The least time between two progress lines, in milliseconds. */
const PROGRESS_INTERVAL_MS = 100;
let lastProgress = 0;
let isProgressShown = false;

/** Shows how far long work has come, in one line of the terminal. Does nothing where the standard error is none. */
export function progress(text: string): void {
  const now = performance.now();
  if (process.stderr.isTTY !== true || now - lastProgress < PROGRESS_INTERVAL_MS) return;
  lastProgress = now;
  isProgressShown = true;
  process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
}

/** Removes the progress line. */
export function clearProgress(): void {
  if (isProgressShown) process.stderr.write('\r\x1b[K');
  isProgressShown = false;
}
