import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/paths.mjs';

/** A code block of the README that a test executes. */
export interface Example {
  heading: string;
  language: 'js' | 'ts' | 'python';
  code: string;
  /** The lines that it prints, as the comments `// → …` (`# → …`) beside the code say. */
  prints: string[];
}

/** All executable blocks of the README, in order. */
export function readmeExamples(): Example[] {
  const examples: Example[] = [];
  let heading = '';
  for (const match of readFileSync(join(root, 'README.md'), 'utf8').matchAll(
    /^## ([^\n]*)$|^```(\w+)\n(.*?)^```$/gms,
  )) {
    const [, title, language, code = ''] = match;
    if (title) heading = title;
    if (language !== 'js' && language !== 'ts' && language !== 'python') continue;
    const prints = [...code.matchAll(/(?:\/\/|#) → (.*)$/gm)].map((comment) => comment[1] ?? '');
    examples.push({ heading, language, code, prints });
  }
  return examples;
}
