import { isPassing, SyncedMemoryError } from '../base/errors.js';
import { Memory, PrefixedMemory } from '../index.js';
import type { OpenOptions } from '../memory/open-options.js';
import type { Invocation } from './command.js';
import { CommandError, EXIT, openingReason } from './failure.js';
import { checkFileExists, findTarget, type Target, timeoutOf } from './target.js';
import { clearProgress, note, progress, styled } from './terminal.js';

/** An open memory, for a command. */
export interface OpenMemory {
  readonly mem: Memory;
  readonly target: Target;
  /** The attributes that cannot be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, SyncedMemoryError>;
  /** Resolves when every mutation is stored. Rejects if one was refused or dropped. */
  flush(): Promise<void>;
}

interface OpenSettings extends Pick<OpenOptions, 'names' | 'defaults' | 'history'> {
  /** True for a command that may create the embedded file. */
  readonly isWriter?: boolean;
  /** Receives errors that are not about an attribute's stored text. Default: they are printed. */
  readonly onError?: (error: SyncedMemoryError) => void;
}

/** Opens the memory that the command line names, runs `action` with it, and closes it. */
export async function withMemory<T>(
  invocation: Invocation,
  { isWriter = false, onError = printWarning, ...options }: OpenSettings,
  action: (open: OpenMemory) => Promise<T>,
): Promise<T> {
  const target = findTarget(invocation);
  const openTimeout = timeoutOf(invocation);
  if (!isWriter) checkFileExists(target);
  sayTarget(invocation, target);
  const unreadable = new Map<string, SyncedMemoryError>();
  const dropped: string[] = [];
  const openOptions: OpenOptions = {
    ...options,
    url: target.url,
    prefix: target.prefix,
    openTimeout,
    exitTimeout: openTimeout,
    onError(error) {
      const { code, attribute } = error;
      if (attribute !== undefined && UNREADABLE_CODES.has(code)) unreadable.set(attribute, error);
      else onError(error);
    },
  };
  progress(`connecting to ${target.shown} …`);
  const opening =
    target.scope === undefined ? Memory.open(openOptions) : PrefixedMemory.open(target.scope, openOptions);
  const mem = await opening.catch((error: unknown) => {
    throw openError(error, target, openTimeout);
  });
  clearProgress();
  mem.$on('warning', printWarning);
  mem.$on('moot', ({ message }) => note(`${message}: another process was first`));
  mem.$on('conflict', ({ message }) => dropped.push(message));
  const flush = async (): Promise<void> => {
    await mem.$flush({ timeout: openTimeout }).catch((error: SyncedMemoryError) => {
      throw error.code === 'ERR_TIMEOUT' ? lateError(openTimeout) : error;
    });
    if (dropped.length > 0) throw new CommandError(dropped.join('; '), undefined, 'ERR_CONFLICT');
  };
  try {
    const result = await action({ mem, target, unreadable, flush });
    await mem.$close();
    return result;
  } finally {
    clearProgress();
    // After a failure, which says more than the second one would.
    await mem.$close().catch(() => {});
  }
}

function lateError(timeout: number): CommandError {
  const message = `the server has not acknowledged within ${timeout / 1000} s (see --timeout); it may have stored some of it`;
  return new CommandError(message, EXIT.unreachable, 'ERR_TIMEOUT');
}

const UNREADABLE_CODES: ReadonlySet<string> = new Set(['ERR_MALFORMED', 'ERR_WRONG_TYPE', 'ERR_TOO_LARGE']);

/** Says which backend is used, and why. */
export function sayTarget({ options }: Invocation, { shown, source }: Target): void {
  if (options.quiet === true || options.json === true) return;
  note(styled('dim', `${shown} (from ${source})`, process.stderr));
}

function printWarning(error: SyncedMemoryError): void {
  note(`${styled('yellow', 'warning:', process.stderr)} ${error.message}`);
}

/** An error of opening in the terms of the command line: which server it is about, and where its URL comes from. */
function openError(error: unknown, { shown, source }: Target, timeout: number): unknown {
  if (!(error instanceof SyncedMemoryError)) return error;
  const waited = isPassing(error.code) ? ` (waited ${timeout / 1000} s; see --timeout)` : '';
  const message = `${shown} (from ${source}): ${openingReason(error)}${waited}`;
  return new SyncedMemoryError(error.code, message, { cause: error });
}
