import { fileURLToPath } from 'node:url';

// As an application of its own, not a part of the repository around it.
const root = fileURLToPath(new URL('.', import.meta.url));
const alone = { outputFileTracingRoot: root, turbopack: { root } };

/** Files that are copied to the standalone output. The addon must be named, because no import statement names it. */
const standalone = {
  output: 'standalone',
  serverExternalPackages: ['synced-memory'],
  outputFileTracingIncludes: { '/*': ['./node_modules/synced-memory-*/**'] },
};

export default { ...alone, ...(process.env.STANDALONE ? standalone : {}) };
