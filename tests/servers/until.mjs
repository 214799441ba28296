// Waiting for what no server or process announces.

/** Milliseconds between two looks. */
const INTERVAL = 20;
/** Milliseconds after which a wait fails, unless the caller states another limit. */
const DEADLINE = 30_000;

/**
 * Resolves when the condition holds. Rejects, naming `what`, if it does not within `deadline` milliseconds.
 * @param {string} what @param {() => unknown} condition may return a promise @param {number} [deadline]
 */
export async function until(what, condition, deadline = DEADLINE) {
  const end = performance.now() + deadline;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${deadline / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
}
