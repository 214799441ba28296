import { fileURLToPath } from 'node:url';

const folder = (name) => fileURLToPath(new URL(name, import.meta.url));

export default [
  {
    name: 'web',
    mode: 'production',
    target: 'web',
    entry: './page.js',
    output: { path: folder('dist-webpack'), filename: 'page.js' },
  },
  {
    name: 'node',
    mode: 'production',
    target: 'node20',
    entry: './program.js',
    experiments: { outputModule: true },
    output: { path: folder('dist-node'), filename: 'program.mjs', module: true },
  },
];
