import { defineConfig } from 'vitest/config';

/**
 * `fast` needs nothing but Node and ends in seconds. `integration` starts real servers (Kafka, PostgreSQL, ClickHouse in
 * process) one file at a time, since each wants the machine for itself.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**'],
          // What computes much is slow on a busy machine: only what hangs is to fail.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
