import assert from 'node:assert/strict';
import { partitionOf } from '../../../src/domain/partition.ts';
import { GROUPS, TOPICS } from '../../../src/pipeline/topics.ts';
import { withAdmin } from '../../support/open-kafka-log.ts';
import { createFeed } from '../feed.ts';
import { type Installation, install, settle } from '../installation.ts';
import type { Scenario } from '../scenario.ts';
import { start } from '../start.ts';
import { until } from '../watched.ts';

const BEFORE = 3;
const AFTER = 5;
/** The topics are looked at every minute. */
const NOTICED_MS_MAX = 90_000;
const REFUSAL = new RegExp(
  `events\\\\?" has ${AFTER} partitions, and ${BEFORE} are configured.*delete it: it is made anew`,
);

export default {
  id: 'partitions-changed',
  title: 'somebody adds partitions to the events topic, while the process runs and before it starts',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort } = context;
    const installation = await install(context);
    const feed = createFeed(context, 30, 1);
    const config = installation.configOf(feed.sources, { clickhouse: { kind: 'off' } });
    const startAgain = () => start(context, config);
    const first = await startAgain();
    await first.logged('watching');
    await settle(installation, feed.traffic.lineCount, [first]);
    let noticedMs = 0;
    if (isShort) {
      assert.equal(await first.stop(), 0, first.log());
      await addPartitions(installation);
    } else {
      const endFlow = feed.flow(20);
      await addPartitions(installation);
      const changedAt = performance.now();
      assert.equal(await first.ended(NOTICED_MS_MAX), 1, first.log());
      noticedMs = performance.now() - changedAt;
      endFlow();
      assert.match(first.log(), REFUSAL);
    }
    const startedAt = performance.now();
    const refused = await startAgain();
    assert.equal(await refused.ended(), 1, refused.log());
    const refusedMs = performance.now() - startedAt;
    assert.match(refused.log(), REFUSAL);
    const { eventCount, unreadCount } = await checkPlaces(installation);

    // As the message says.
    await withAdmin(installation, (admin) =>
      admin.deleteTopics({ topics: [installation.topicPrefix + TOPICS.events] }),
    );
    const mended = await startAgain();
    await mended.logged('stamps start again, baselines are kept');
    const callCount = installation.receiver.requests.length;
    // One that nothing was told of yet.
    const theft = feed.traffic.takeKept(() => true);
    assert.ok(theft);
    feed.write([...feed.traffic.take(100), ...theft.lines]);
    await settle(installation, feed.traffic.lineCount - eventCount, [mended]);
    // Nobody is stolen from without a baseline.
    await until(() => installation.receiver.requests.length > callCount, 30_000, mended);
    assert.equal(await mended.stop(), 0, mended.log());
    return {
      ...(!isShort && { 'noticed, s': Math.round(noticedMs / 1000) }),
      'refused at start, ms': Math.round(refusedMs),
      'events, each where its token is': eventCount,
      'not dealt with': unreadCount,
    };
  },
} satisfies Scenario;

async function addPartitions(installation: Installation): Promise<void> {
  const topicPartitions = [{ topic: installation.topicPrefix + TOPICS.events, count: AFTER }];
  await withAdmin(installation, (admin) => admin.createPartitions({ topicPartitions }));
}

/** Throws unless every event stands where its token's baseline is. */
async function checkPlaces({ open }: Installation): Promise<{ eventCount: number; unreadCount: number }> {
  const log = await open();
  try {
    let [eventCount, unreadCount] = [0, 0];
    const committed = await log.committed(GROUPS.detect, TOPICS.events);
    for (const { partition, end } of await log.offsets(TOPICS.events)) {
      unreadCount += end - (committed.get(partition)?.offset ?? 0);
      for await (const batch of log.read(TOPICS.events, partition)) {
        for (const { key } of batch) assert.equal(partitionOf(String(key), BEFORE), partition, 'misplaced');
        eventCount += batch.length;
      }
    }
    return { eventCount, unreadCount };
  } finally {
    await log.close();
  }
}
