import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Scenario } from '../scenario.ts';
import { start, startWatching } from '../start.ts';

export default {
  id: 'second-process',
  title: 'a second process starts on the data folder of one that runs',
  on: ['embedded'],
  isShort: true,
  async run(context) {
    const { folder } = context;
    const config = {
      dataFolder: join(folder, 'data'),
      log: { kind: 'embedded', partitionCount: 3 },
      fingerprintKey: 'the same for all processes of an installation',
      clickhouse: { kind: 'off' },
      sources: [{ name: 'input', kind: 'file', format: 'canonical', path: join(folder, '*.jsonl') }],
      logging: { level: 'info' },
    };
    const first = await startWatching(context, config);
    const startedAt = performance.now();
    const second = await start(context, config);
    const code = await second.ended(20_000);
    const refusedMs = Math.round(performance.now() - startedAt);
    assert.equal(code, 1, second.log());
    assert.match(second.log(), /belongs to another running Tokenwarden process/);
    assert.ok(second.log().includes(config.dataFolder), `the folder is not named:\n${second.log()}`);
    assert.equal(first.exited, false, first.log());
    assert.equal(await first.stop(), 0, first.log());
    // Nothing stays locked.
    const third = await startWatching(context, config);
    assert.equal(await third.stop(), 0, third.log());
    return { refusals: 1, refusedMs };
  },
} satisfies Scenario;
