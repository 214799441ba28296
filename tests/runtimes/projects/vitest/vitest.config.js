import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

// The same tests in Node, and in Cloudflare's runtime: `vitest --project workers`.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: ['*.test.js'] } },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './wrangler.json' } })],
        test: { name: 'workers', include: ['*.test.js'] },
      },
    ],
  },
});
