import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type Results, rowsOf } from '../../bench/results.ts';
import { startKafka } from '../support/kafka-server.ts';

const server = await startKafka();

afterAll(async () => {
  if (!('skipped' in server)) await server.stop();
});

const LIMIT_MS = 170_000;
const run = promisify(execFile);

// How fast it is, is for a machine that does nothing else: here, that there is an answer to each question, and an end.
describe.skipIf('skipped' in server)('npm run bench -- --quick', () => {
  it('measures each of the promises that it is for', { timeout: LIMIT_MS + 5000 }, async (context) => {
    const brokers = 'skipped' in server ? [] : server.brokers;
    const { stdout } = await run(process.execPath, ['--expose-gc', 'bench/main.ts', '--quick', '--json'], {
      timeout: LIMIT_MS,
      env: { ...process.env, TOKENWARDEN_TEST_KAFKA: brokers.join(',') },
    }).catch((error: Error & { readonly stderr?: string }) => {
      const missing = /the Kafka Streams peer needs .*/.exec(error.stderr ?? '')?.[0];
      if (missing === undefined) throw error;
      console.warn(`\n!!! SKIPPED: ${missing}\n`);
      return context.skip(missing);
    });
    const rows = rowsOf(JSON.parse(stdout) as Results);
    expect(rows).toHaveLength(5);
    for (const { what, value } of rows) expect(value, what).toBeGreaterThan(0);
  });
});
