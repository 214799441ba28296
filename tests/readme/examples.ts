import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/paths.mjs';

/** A code block of a page that a test executes. */
export interface Example {
  heading: string;
  language: 'js' | 'ts' | 'python';
  code: string;
  /** The lines that it prints, as the comments `// → …` (`# → …`) beside the code say. */
  prints: string[];
}

/** All executable blocks of a page, in order. */
export function examplesOf(page: string): Example[] {
  const examples: Example[] = [];
  let heading = page;
  for (const match of readFileSync(join(root, page), 'utf8').matchAll(/^## ([^\n]*)$|^```(\w+)\n(.*?)^```$/gms)) {
    const [, title, language, code = ''] = match;
    if (title) heading = title;
    if (language !== 'js' && language !== 'ts' && language !== 'python') continue;
    const prints = [...code.matchAll(/(?:\/\/|#) → (.*)$/gm)].map((comment) => comment[1] ?? '');
    examples.push({ heading, language, code, prints });
  }
  return examples;
}
