import assert from 'node:assert/strict';
import { join } from 'node:path';
import { freePort } from '../../support/guarded-process.ts';
import { metricOf } from '../../support/metrics.ts';
import { BAD_DETECTORS, writeBadDetectors } from '../bad-detectors.ts';
import { checkBooks, settle } from '../installation.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { median, watchFleet } from '../watched.ts';

/** Of each detector, in a log of a run that takes less than two minutes. */
const LINES_MAX = 3;

export default {
  id: 'throwing-detector',
  title:
    'six detectors of a user throw, recurse without end, answer NaN and garbage, and say what cannot be written down',
  on: ['embedded'],
  isShort: false,
  async run(context) {
    const { folder, isShort } = context;
    const watched = await watchFleet(context);
    const detectorFolder = await writeBadDetectors(join(folder, 'detectors'));
    const port = await freePort();
    const { detection } = watched.config as { detection: object };
    const common = { ...watched.config, clickhouse: { kind: 'off' }, operations: { port } };
    const run = async (detectorFolders: readonly string[]) => {
      const config = { ...common, detection: { ...detection, detectorFolders } };
      const tokenwarden = await startWatching(context, config);
      // The history is behind it then.
      await watched.steal(tokenwarden);
      const revokedMs: number[] = [];
      for (let i = 0; i < (isShort ? 2 : 5); i++) {
        watched.writeDay();
        revokedMs.push(await watched.steal(tokenwarden));
      }
      return { tokenwarden, revokedMs };
    };
    const amid = await run([detectorFolder]);
    const { tokenwarden } = amid;
    await settle(watched, watched.lineCount(), [tokenwarden]);
    const failures = new Map<string, number>();
    for (const detector of BAD_DETECTORS) {
      failures.set(detector, await metricOf(port, 'tokenwarden_detector_failures_total', { detector }));
    }
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());

    // Counted, each by its name; told sparingly, and never in the words of an event.
    const count = watched.lineCount();
    for (const detector of ['throws-always', 'throws-for-some', 'answers-nan', 'answers-garbage'])
      assert.equal(failures.get(detector), count, `failures of ${detector}`);
    for (const detector of ['recurses', 'speaks-garbage'])
      assert.ok(failures.get(detector)! > 0, `failures of ${detector}`);
    const lines = tokenwarden
      .log()
      .split('\n')
      .filter((line) => line.includes('a detector failed'));
    for (const detector of BAD_DETECTORS) {
      const told = lines.filter((line) => line.includes(`"${detector}"`)).length;
      assert.ok(told >= 1 && told <= LINES_MAX, `${detector} was told of ${told} times`);
    }
    assert.doesNotMatch(tokenwarden.log(), /SELECT|cannot read public/, 'an event is quoted in the log');

    // What the others say is what they say among themselves; a restart keeps it, and one without the bad ones goes on.
    const installation = { ...watched, receiver: watched.gateway };
    const books = await checkBooks(
      installation,
      { lineCount: count, badCount: 0 },
      { detectorFolders: [detectorFolder] },
    );
    const alone = await run([]);
    await settle(watched, watched.lineCount(), [alone.tokenwarden]);
    assert.equal(await alone.tokenwarden.stop(), 0, alone.tokenwarden.log());
    const figures = `alone ${alone.revokedMs}, amid ${amid.revokedMs}`;
    assert.ok(median(amid.revokedMs) < 3 * median(alone.revokedMs) + 1000, figures);
    return {
      ...books,
      ...Object.fromEntries([...failures].map(([detector, times]) => [`${detector}, times`, times])),
      'lines in the log': lines.length,
      'revoked amid them, ms': median(amid.revokedMs),
      'revoked alone, ms': median(alone.revokedMs),
    };
  },
} satisfies Scenario;
