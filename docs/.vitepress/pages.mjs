// The pages of the site, in the order of its sidebar. A name is that of a file in docs, without `.md`.

import { readdirSync } from 'node:fs';

const listed = [
  {
    title: 'Guide',
    pages: [
      'first-steps',
      'opening',
      'lists',
      'dicts',
      'nested',
      'live',
      'transactions',
      'schemas',
      'scopes',
      'expiry',
    ],
  },
  { title: 'More abilities', pages: ['journal', 'history', 'blocking', 'frameworks'] },
  { title: 'Elsewhere', pages: ['python', 'edge', 'browser', 'examples'] },
  { title: 'Operation', pages: ['deployment', 'testing', 'telemetry', 'command-line', 'inspector', 'side-keys'] },
  { title: 'Reference', pages: ['options', 'what-can-go-wrong', 'glossary', 'changelog'] },
  {
    title: 'How well it works',
    pages: ['guarantees', 'merging', 'reliability', 'performance', 'benchmarks', 'local-cost'],
  },
  { title: 'The code', pages: ['architecture', 'contributing'] },
];

/** Pages of the site that are files elsewhere in the repository, by their names on the site. */
export const otherSources = {
  index: 'README.md',
  examples: 'examples/README.md',
  benchmarks: 'BENCHMARKS.md',
  changelog: 'CHANGELOG.md',
  contributing: 'CONTRIBUTING.md',
};

const known = [...listed.flatMap(({ pages }) => pages), ...Object.keys(otherSources)];
const others = readdirSync(new URL('..', import.meta.url))
  .filter((file) => file.endsWith('.md'))
  .map((file) => file.replace('.md', ''))
  .filter((name) => !known.includes(name));

/** Groups of pages, each with its title. Pages that none of them names are in one of their own. */
export const groups = [...listed, ...(others.length > 0 ? [{ title: 'Other pages', pages: others }] : [])];

/** The path in the repository of a page. */
export const sourceOf = (name) => otherSources[name] ?? `docs/${name}.md`;
