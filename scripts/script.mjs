// Runs a module as a script: it ends with one line that says what to do where something is missing.
import { fileURLToPath } from 'node:url';

/** A failure whose message is all that the user needs: no stack is printed. */
export class Failure extends Error {}

/** Runs `main` where `url` is the module that Node was started with. */
export async function runAsScript(url, main) {
  if (process.argv[1] !== fileURLToPath(url)) return;
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Failure ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Reports one step of an installation or a build. */
export function step(text) {
  console.log(`setup: ${text}`);
}
