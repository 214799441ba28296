import { installTools } from '../../scripts/runtime-projects.mjs';

/** Installs React 18 beside the newest one, with which npm does not install it into one folder. */
export function setup(): void {
  installTools('react-18');
}
