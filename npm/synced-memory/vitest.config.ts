import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Some tests build the addon or wait for processes, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
