import { fileURLToPath } from 'node:url';

// As an application of its own, not a part of the repository around it.
const root = fileURLToPath(new URL('.', import.meta.url));
const alone = { outputFileTracingRoot: root, turbopack: { root } };

/** What is copied to where it runs: the addon must be named, as no file imports it by a name that could be seen. */
const standalone = {
  output: 'standalone',
  serverExternalPackages: ['synced-memory'],
  outputFileTracingIncludes: { '/*': ['./node_modules/synced-memory-*/**'] },
};

export default { ...alone, ...(process.env.STANDALONE ? standalone : {}) };
