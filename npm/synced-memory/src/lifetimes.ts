import { SyncedMemoryError } from './errors.js';

/** How long an attribute stays: milliseconds, true for ever, false where there is none. */
export type Lifetime = number | boolean;

interface Question {
  resolve: (lifetime: Lifetime) => void;
  reject: (error: SyncedMemoryError) => void;
}

/** Who waits to hear how long attributes stay. */
export class Lifetimes {
  private readonly questions = new Map<number, Question>();

  /** Resolves with the answer to the request of this number. */
  answer(request: number): Promise<Lifetime> {
    return new Promise((resolve, reject) => this.questions.set(request, { resolve, reject }));
  }

  answered(request: number, lifetime: Lifetime, error: SyncedMemoryError | undefined): void {
    const question = this.questions.get(request);
    this.questions.delete(request);
    if (error === undefined) question?.resolve(lifetime);
    else question?.reject(error);
  }

  abandon(error: SyncedMemoryError): void {
    for (const question of this.questions.values()) question.reject(error);
    this.questions.clear();
  }
}

/** Milliseconds, at least one. Throws ERR_OPTIONS where it is no time to live. */
export function milliseconds(name: string, seconds: unknown): number {
  const ms = typeof seconds === 'number' ? Math.ceil(seconds * 1000) : Number.NaN;
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw new SyncedMemoryError('ERR_OPTIONS', `${name} must be a number of seconds above 0`);
}
