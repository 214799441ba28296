import { scalarSize } from './estimate.js';

/** The longest that one slice of measuring takes, in milliseconds. */
const SLICE_MS = 4;
/** Number of values between two looks at the clock. */
const CHECK_EVERY = 2000;

interface Frame {
  readonly container: object;
  readonly keys: readonly string[] | undefined;
  readonly count: number;
  index: number;
  size: number;
}

/**
 * Measures about the length of the JSON text of frozen values, in slices between which the process does other work. Parts
 * that are unchanged in a later snapshot are not measured again.
 */
export class SizeMeter {
  readonly #sizes = new WeakMap<object, number>();
  readonly #queued = new Set<object>();
  #frames: Frame[] = [];
  #isRunning = false;
  readonly #onMeasured: () => void;

  /** `onMeasured` is called when a size that {@link size} did not know is there. */
  constructor(onMeasured: () => void) {
    this.#onMeasured = onMeasured;
  }

  /** The size of a frozen value; undefined where it has to be measured first. */
  size(value: unknown): number | undefined {
    if (typeof value !== 'object' || value === null) return scalarSize(value);
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    this.#queued.add(value);
    // Most values are small, and measured here.
    if (!this.#isRunning) this.#runSlice();
    return this.#sizes.get(value);
  }

  #runSlice(): void {
    const end = performance.now() + SLICE_MS;
    this.#isRunning = true;
    do {
      if (this.#frames.length === 0 && !this.#startNext()) {
        this.#isRunning = false;
        return;
      }
      this.#advance(CHECK_EVERY);
    } while (performance.now() < end);
    setTimeout(() => {
      this.#runSlice();
      if (this.#frames.length === 0) this.#onMeasured();
    });
  }

  #startNext(): boolean {
    const [next] = this.#queued;
    if (next === undefined) return false;
    this.#queued.delete(next);
    this.#push(next);
    return true;
  }

  #push(container: object): void {
    const keys = Array.isArray(container) ? undefined : Object.keys(container);
    const count = keys?.length ?? (container as unknown[]).length;
    this.#frames.push({ container, keys, count, index: 0, size: 2 + Math.max(0, count - 1) });
  }

  /** Measures so many values of the container at the top of the stack, and of those inside it. */
  #advance(values: number): void {
    let left = values;
    let frame = this.#frames.at(-1);
    while (frame !== undefined && left-- > 0) {
      if (frame.index === frame.count) {
        this.#sizes.set(frame.container, frame.size);
        this.#frames.pop();
        frame = this.#frames.at(-1);
        continue;
      }
      const key = frame.keys?.[frame.index] ?? frame.index;
      const value = (frame.container as Record<string | number, unknown>)[key];
      const known = typeof value === 'object' && value !== null ? this.#sizes.get(value) : scalarSize(value);
      if (known === undefined) {
        this.#push(value as object);
        frame = this.#frames.at(-1);
        continue;
      }
      frame.size += known + (frame.keys === undefined ? 0 : (key as string).length + 3);
      frame.index++;
    }
  }
}
