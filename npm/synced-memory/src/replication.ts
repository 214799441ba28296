import { SyncedMemoryError, syncedError } from './errors.js';

/** The longest that one question holds up the connection, in milliseconds: the server answers nothing else meanwhile. */
const SLICE = 100;

interface Question {
  resolve: (count: number) => void;
  reject: (error: SyncedMemoryError) => void;
}

/** Waits for replicas to have what has been acknowledged. */
export class Replication {
  private readonly questions = new Map<number, Question>();
  /** Documents that went back to an earlier revision, so far. */
  private losses = 0;

  /**
   * Resolves once `wanted` replicas have it. `ask` asks for at most so many milliseconds and gives the question's number.
   * Rejects with ERR_REPLICAS at `deadline`, or where a fail-over lost something meanwhile.
   */
  async reach(wanted: number, deadline: number, ask: (waitMs: number) => number): Promise<void> {
    const { losses } = this;
    let count = 0;
    let cause: SyncedMemoryError | undefined;
    for (;;) {
      const left = Math.ceil(deadline - performance.now());
      if (left <= 0) break;
      try {
        count = await this.question(ask(Math.min(left, SLICE)), left);
        cause = undefined;
      } catch (error) {
        cause = SyncedMemoryError.from(error);
        // While there is no connection, another one may come.
        if (cause.code !== 'ERR_UNAVAILABLE' && cause.code !== 'ERR_REPLICAS') throw cause;
      }
      if (this.losses !== losses) {
        throw syncedError('ERR_REPLICAS', 'a fail-over lost acknowledged mutations before the replicas had them');
      }
      if (cause === undefined && count >= wanted) return;
    }
    const message = `${count} of ${wanted} replicas have what was acknowledged; it is stored, and replicas get it when they can`;
    throw new SyncedMemoryError('ERR_REPLICAS', message, cause === undefined ? {} : { cause });
  }

  answered(request: number, count: number, error: SyncedMemoryError | '' | undefined): void {
    const question = this.questions.get(request);
    if (error) question?.reject(error);
    else question?.resolve(count);
  }

  /** A document went back to an earlier revision. */
  lost(): void {
    this.losses++;
  }

  abandon(error: SyncedMemoryError): void {
    for (const question of [...this.questions.values()]) question.reject(error);
  }

  private question(request: number, timeout: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.questions.delete(request);
        settle();
      };
      const timer = setTimeout(
        () => end(() => reject(syncedError('ERR_REPLICAS', 'no answer from the server'))),
        timeout,
      );
      this.questions.set(request, {
        resolve: (count) => end(() => resolve(count)),
        reject: (error) => end(() => reject(error)),
      });
    });
  }
}
