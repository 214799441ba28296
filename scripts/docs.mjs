// `npm run docs`: the pages of docs, a reference of the API, llms.txt and llms-full.txt as a site, in .cache/docs/site.
// Installs VitePress and TypeDoc there; nothing of it is part of `npm ci`.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { groups, sourceOf } from '../docs/.vitepress/pages.mjs';
import { run } from './command.mjs';
import { modifiedAt, root } from './paths.mjs';
import { repositoryUrl } from './repository.mjs';
import { runAsScript, step } from './script.mjs';

const settings = join(root, 'docs/.vitepress');
const folder = join(root, '.cache/docs');
const pages = join(folder, 'pages');

const names = ['index', ...groups.flatMap((group) => group.pages)];
const nameBySource = new Map(names.map((name) => [sourceOf(name), name]));

/** Installs what the lock file of the site names, where that is not done. */
function installTools() {
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(settings, file), join(folder, file));
  cpSync(join(root, '.npmrc'), join(folder, '.npmrc'));
  const installed = modifiedAt(join(folder, 'node_modules/.package-lock.json'));
  if (installed >= modifiedAt(join(settings, 'package-lock.json'))) return;
  step('VitePress and TypeDoc in .cache/docs');
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--loglevel', 'error'];
  run('npm', ['ci', ...options], { hint: 'is the npm registry reachable?' });
}

/** The text of a page with links as they are on the site. What is neither there nor a chart is linked in the repository, or named. */
export function sitePage(source, text) {
  return text.replace(/\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)/g, (_, label, target, anchor = '') => {
    const path = posix.normalize(posix.join(dirname(source), target));
    const name = nameBySource.get(path);
    if (name !== undefined) return `[${label}](${name}.md${anchor})`;
    if (path.startsWith('docs/benchmarks/')) return `[${label}](${path.replace('docs/', './')})`;
    const url = repositoryUrl();
    return url === undefined ? label : `[${label}](${url}/blob/HEAD/${path})`;
  });
}

/** The title of a page and its first sentence, without links. */
export function summary(text) {
  const title = text.match(/^# (.*)$/m)?.[1] ?? '';
  const paragraph = text.split(/\n\n+/).find((part) => /^[\w`[]/.test(part) && !part.startsWith('```')) ?? '';
  const plain = paragraph.replaceAll('\n', ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return { title, sentence: plain.match(/^.*?\.(?= |$)/)?.[0] ?? plain };
}

/** Collects the pages, and writes the two files for language models. */
function collectPages() {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(join(pages, 'public'), { recursive: true });
  cpSync(settings, join(pages, '.vitepress'), { recursive: true });
  cpSync(join(root, 'docs/benchmarks'), join(pages, 'benchmarks'), { recursive: true });
  const texts = new Map(
    names.map((name) => [name, sitePage(sourceOf(name), readFileSync(join(root, sourceOf(name)), 'utf8'))]),
  );
  for (const [name, text] of texts) writeFileSync(join(pages, `${name}.md`), text);
  // The pages themselves are served as Markdown, too.
  for (const [name, text] of texts) writeFileSync(join(pages, 'public', `${name}.md`), text);
  writeFileSync(join(pages, 'public/llms.txt'), contents(texts));
  writeFileSync(join(pages, 'public/llms-full.txt'), [...texts.values()].join('\n---\n\n'));
}

/** The list of all pages, each with its first sentence: https://llmstxt.org. */
function contents(texts) {
  const base = process.env.DOCS_BASE || '/';
  const { title, sentence } = summary(texts.get('index'));
  const sections = groups.map((group) => {
    const lines = group.pages.map((name) => {
      const page = summary(texts.get(name));
      return `- [${page.title}](${base}${name}.md): ${page.sentence}`;
    });
    return `## ${group.title}\n\n${lines.join('\n')}\n`;
  });
  return `# ${title}\n\n> ${sentence}\n\nAll pages in one file: ${base}llms-full.txt\n\n${sections.join('\n')}`;
}

await runAsScript(import.meta.url, async () => {
  installTools();
  collectPages();
  const tool = (path) => join(folder, 'node_modules', path);
  run(process.execPath, [
    tool('typedoc/bin/typedoc'),
    '--options',
    join(settings, 'typedoc.json'),
    '--plugin',
    tool('typedoc-plugin-markdown/dist/index.js'),
    '--out',
    join(pages, 'api'),
  ]);
  run(process.execPath, [tool('vitepress/bin/vitepress.js'), 'build', pages]);
  step(`site: ${join(folder, 'site')}`);
});
