import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// SYNCED_MEMORY_BUILD=wasm runs the suites on the wasm build: here, in workers and in processes that tests start.
const conditions = process.env.SYNCED_MEMORY_BUILD === 'wasm' ? ['synced-memory-wasm'] : [];
for (const condition of conditions) {
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --conditions=${condition}`;
}

export default defineConfig({
  // Node itself does not know the condition `module`, and cannot load what some packages have under it.
  ssr: { resolve: { conditions: [...conditions, ...defaultServerConditions.filter((name) => name !== 'module')] } },
  test: {
    include: ['**/*.test.ts'],
    // They have setups of their own.
    exclude: ['frameworks/**', 'runtimes/**'],
    // Each test waits for real processes and servers, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
