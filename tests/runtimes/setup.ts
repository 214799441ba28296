import { pack } from '../../scripts/pack.mjs';
import { installProject } from '../../scripts/runtime-projects.mjs';

/** Packs what `npm run build` built last, once for all test files. */
export function setup(): void {
  pack();
  installProject('tools');
}
