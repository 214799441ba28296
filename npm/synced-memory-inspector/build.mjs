// Builds dist: the page as one HTML text with its script and style inside, the handler that serves it, and the declarations.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = dirname(fileURLToPath(import.meta.url));
const common = { root, configFile: false, logLevel: 'warn' };

/** Bundles the page. @returns {Promise<{ script: string, style: string }>} */
async function buildPage() {
  const result = await build({
    ...common,
    build: {
      write: false,
      target: 'es2022',
      cssCodeSplit: false,
      modulePreload: false,
      rolldownOptions: { input: join(root, 'src/page/main.tsx'), output: { format: 'iife' } },
    },
  });
  const { output } = Array.isArray(result) ? result[0] : result;
  const script = output.find((file) => file.type === 'chunk').code;
  const style = output.find((file) => file.fileName.endsWith('.css')).source;
  // The text of a script element ends at the first "</script".
  return { script: script.replaceAll('</script', '<\\/script').trim(), style: String(style).trim() };
}

/** The Content-Security-Policy source that permits exactly this inline text. */
const hashSource = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Gives the module `virtual:page` to the handler. */
function pageModule({ script, style }) {
  const template = readFileSync(join(root, 'src/page/index.html'), 'utf8');
  // A replacement function, because "$&" in a text would be a pattern.
  const html = template.replace('/*style*/', () => style).replace('/*script*/', () => script);
  const code = [
    `export const html = ${JSON.stringify(html)};`,
    `export const scriptSource = ${JSON.stringify(hashSource(script))};`,
    `export const styleSource = ${JSON.stringify(hashSource(style))};`,
  ];
  return {
    name: 'page-module',
    resolveId: (id) => (id === 'virtual:page' ? '\0page' : undefined),
    load: (id) => (id === '\0page' ? code.join('\n') : undefined),
  };
}

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  ...common,
  plugins: [pageModule(await buildPage())],
  build: {
    ssr: join(root, 'src/index.ts'),
    outDir: 'dist',
    target: 'node20',
    minify: false,
    rolldownOptions: { output: { entryFileNames: 'index.js' } },
  },
  // The parts of synced-memory that it does not export become parts of the bundle.
  ssr: { external: ['synced-memory'] },
});
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
