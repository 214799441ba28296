import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/paths.mjs';

/** A code block of a page. */
export interface Block {
  page: string;
  heading: string;
  /** The first word after the fence; empty where there is none. */
  language: string;
  /** The other words: the name of the file that the block is, for tests that write such files. */
  file: string;
  /** The test that executes the block, where a comment above it names one. */
  executedBy: string | undefined;
  code: string;
}

/** A block that docs.test.ts executes as a program. */
export interface Example extends Block {
  language: 'js' | 'ts' | 'python';
  /** The lines that it prints, as the comments `// → …` (`# → …`) beside the code say. */
  prints: string[];
}

/** The README and all pages, by their paths in the repository. */
export const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))].map(
  (name) => (name === 'README.md' ? name : `docs/${name}`),
);

/** All code blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let heading = page;
  const pattern = /^#{1,3} ([^\n]*)$|^(?:<!-- (\S+) executes this block\. -->\n\n)?```(\w*) ?([^\n]*)\n(.*?)^```$/gms;
  for (const [, title, executedBy, language = '', file = '', code = ''] of read(page).matchAll(pattern)) {
    if (title) heading = title;
    else blocks.push({ page, heading, language, file, executedBy, code });
  }
  return blocks;
}

/** Whether a block is a program of its own, which no other test executes. */
export function isExample(block: Block): block is Example {
  return ['js', 'ts', 'python'].includes(block.language) && block.file === '' && block.executedBy === undefined;
}

/** All blocks of a page that are programs of their own. */
export function examplesOf(page: string): Example[] {
  return blocksOf(page)
    .filter(isExample)
    .map((block) => {
      const prints = [...block.code.matchAll(/(?:\/\/|#) → (.*)$/gm)].map((comment) => comment[1] ?? '');
      return { ...block, prints };
    });
}

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
