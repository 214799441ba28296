import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{demo,faults,interop,readme,servers}/**/*.test.ts'],
    // Each test waits for real processes and servers, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
