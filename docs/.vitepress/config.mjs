// The site's settings. `npm run docs` copies this folder beside the pages that it has collected.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { groups } from './pages.mjs';

const text = (name) => readFileSync(fileURLToPath(new URL(`../${name}.md`, import.meta.url)), 'utf8');
const title = (name) => text(name).match(/^# (.*)$/m)?.[1] ?? name;

export default defineConfig({
  title: 'synced-memory',
  description: 'Lists and dicts that all processes share',
  // The path of the site on its host, such as /synced-memory/ on GitHub Pages.
  base: process.env.DOCS_BASE || '/',
  outDir: '../site',
  // Served as they are.
  srcExclude: ['public/**'],
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/first-steps' },
      { text: 'API', link: '/api/entry-points' },
      { text: 'Errors', link: '/what-can-go-wrong' },
    ],
    sidebar: [
      ...groups.map(({ title: text, pages }) => ({
        text,
        collapsed: false,
        items: pages.map((name) => ({ text: title(name), link: `/${name}` })),
      })),
      { text: 'API', items: [{ text: 'Entry points', link: '/api/entry-points' }] },
    ],
    outline: [2, 3],
  },
});
