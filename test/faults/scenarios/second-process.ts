import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startTokenwarden } from '../../support/tokenwarden-process.ts';
import type { Scenario } from '../scenario.ts';

export default {
  id: 'second-process',
  title: 'a second process starts on the data folder of one that runs',
  on: ['embedded'],
  isShort: true,
  async run({ folder, defer }) {
    const config = {
      dataFolder: join(folder, 'data'),
      log: { kind: 'embedded', partitionCount: 3 },
      fingerprintKey: 'the same for all processes of an installation',
      clickhouse: { kind: 'off' },
      sources: [{ name: 'input', kind: 'file', format: 'canonical', path: join(folder, '*.jsonl') }],
      logging: { level: 'info' },
    };
    const first = await startTokenwarden(folder, config);
    defer(first.kill);
    await first.logged('watching');
    const startedAt = performance.now();
    const second = await startTokenwarden(folder, config);
    defer(second.kill);
    const code = await second.ended(20_000);
    const refusedMs = Math.round(performance.now() - startedAt);
    assert.equal(code, 1, second.log());
    assert.match(second.log(), /belongs to another running Tokenwarden process/);
    assert.ok(second.log().includes(config.dataFolder), `the folder is not named:\n${second.log()}`);
    assert.equal(first.exited, false, first.log());
    assert.equal(await first.stop(), 0, first.log());
    // Nothing stays locked.
    const third = await startTokenwarden(folder, config);
    defer(third.kill);
    await third.logged('watching');
    assert.equal(await third.stop(), 0, third.log());
    return { refusals: 1, refusedMs };
  },
} satisfies Scenario;
