import { pack } from '../../scripts/pack.mjs';
import { installProject } from '../../scripts/runtimes.mjs';

/** Packs once for all suites; what it packs is what `npm run build` built last. */
export function setup(): void {
  pack();
  installProject('tools');
}
