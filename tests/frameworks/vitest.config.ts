import { join } from 'node:path';
import { transformSync } from '@babel/core';
import { compile as compileSvelte } from 'svelte/compiler';
import { defineConfig } from 'vitest/config';
import { compileScript, parse } from 'vue/compiler-sfc';
import { root } from '../../scripts/paths.mjs';

const react18 = join(root, '.cache/runtimes/react-18/node_modules');

/** Compiles what one framework has a language of its own for. */
const compilers: Record<string, (code: string, file: string) => string | undefined> = {
  svelte: (code, filename) =>
    filename.endsWith('.svelte') ? compileSvelte(code, { filename, generate: 'client' }).js.code : undefined,
  vue(code, filename) {
    if (!filename.endsWith('.vue')) return undefined;
    return compileScript(parse(code, { filename }).descriptor, { id: filename, inlineTemplate: true }).content;
  },
  solid: (code, filename) =>
    filename.endsWith('.jsx') ? (transformSync(code, { filename, presets: ['solid'] })?.code ?? '') : undefined,
};

const dist = join(root, 'npm/synced-memory/dist');
/** The package as bundlers for pages find it. Vitest would take the build for Node, in which no alias applies. */
const forPages = [
  { find: /^synced-memory\/(react|vue|svelte|solid)$/, replacement: `${dist}/entry/frameworks/$1.js` },
  { find: /^synced-memory\/testing$/, replacement: `${dist}/testing/index.js` },
  { find: /^synced-memory$/, replacement: `${dist}/entry/edge.js` },
];

interface Options {
  /** The test file. Default: that of the project's name. */
  file?: string;
  alias?: Record<string, string>;
  env?: Record<string, string>;
  globalSetup?: string;
}

/** The tests of one framework, in a page of happy-dom. */
function project(name: string, options: Options = {}) {
  const { alias = {}, env = {}, globalSetup, file = name } = options;
  const aliases = Object.entries(alias).map(([find, replacement]) => ({ find, replacement }));
  return {
    plugins: [{ name: 'compiler', enforce: 'pre' as const, transform: compilers[file] }],
    // The builds for browsers: those for servers do not render again.
    resolve: { alias: [...forPages, ...aliases], conditions: ['browser', 'module', 'development'] },
    test: {
      name,
      include: [`${file}.test.ts`, 'page.test.ts'],
      environment: 'happy-dom',
      // The compilers take their time on machines that are busy.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      env: { ...env, REPOSITORY: root, PROJECT: name, FRAMEWORK: file },
      server: { deps: { inline: [/solid-js/, /svelte/] } },
      ...(globalSetup && { globalSetup }),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      project('react', { env: { REACT_MAJOR: '19' } }),
      project('react-18', {
        file: 'react',
        env: { REACT_MAJOR: '18' },
        alias: { react: join(react18, 'react'), 'react-dom': join(react18, 'react-dom') },
        globalSetup: './install-react-18.ts',
      }),
      project('vue'),
      project('svelte'),
      project('solid'),
    ],
  },
});
