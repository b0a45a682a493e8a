import { defineConfig } from 'vitest/config';

/**
 * `fast` needs nothing but Node and ends in seconds. `simulation` runs seeds of whole installations, for some minutes. `integration` starts
 * real servers (Kafka, PostgreSQL, ClickHouse in process) one file at a time, since each wants the machine for itself.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/sim/**'],
          // What computes much is slow on a busy machine: only what hangs is to fail.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/sim/**/*.test.ts'],
          // Each starts processes of its own: one file at a time, after the fast ones.
          maxConcurrency: 2,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
