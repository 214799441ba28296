import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['projects/**'],
    globalSetup: './setup.ts',
    // The files share installed projects, and most start programs that keep all cores busy.
    fileParallelism: false,
    // The tests start other runtimes and bundlers, on machines that may be busy.
    testTimeout: 60_000,
    // The text of a page and the like, for which tests poll, take as long.
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 300_000,
  },
});
