import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each test waits for real memories and servers, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
