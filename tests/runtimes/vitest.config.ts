import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['projects/**'],
    globalSetup: './setup.ts',
    // They share installed projects, and most start programs that keep all cores busy.
    fileParallelism: false,
    // Other runtimes and bundlers are started, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
