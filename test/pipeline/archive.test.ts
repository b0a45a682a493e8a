import { afterEach, beforeEach, expect, it } from 'vitest';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import type { Lease, Log } from '../../src/log/log.ts';
import { type ArchiveSink, startArchive } from '../../src/pipeline/archive.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { textRecords } from '../conformance/log-suite.ts';
import { until } from '../ingest/collecting.ts';
import { aheadClock, HOUR_MS, newFolder, open } from '../log/embedded-folder.ts';

const PARTITION = { topic: TOPICS.events, partition: 0 };

let folder: Awaited<ReturnType<typeof newFolder>>;
let clock: ReturnType<typeof aheadClock>;
let log: EmbeddedLog;
/** Ranges that the store was given, with their tokens. */
let inserts: string[];

/** A process has announced an insert of events 0 to 9, and nobody knows what became of it. */
beforeEach(async () => {
  folder = await newFolder();
  clock = aheadClock();
  log = await open({ folder: folder.path, access: 'own', clock });
  await log.ensureTopics([{ topic: TOPICS.events, partitionCount: 1, cleanup: 'delete', retentionMs: 2 * HOUR_MS }]);
  await log.append(TOPICS.events, textRecords('k', 0, 5));
  clock.ahead(HOUR_MS);
  await log.append(TOPICS.events, textRecords('k', 5, 10));
  const held = Promise.withResolvers<void>();
  const batch = async () => held.resolve();
  const member = await log.join({ group: GROUPS.archive, topics: [TOPICS.events], batch });
  await held.promise;
  await member.commit(PARTITION, { offset: 0, metadata: 'insert 0-9 the-token' });
  await member.stop();
  inserts = [];
});

afterEach(async () => {
  await log.close();
  await folder.remove();
});

function start(over: Log, insert: ArchiveSink['insert']) {
  return startArchive({
    log: over,
    clock: systemClock,
    sinks: [
      {
        topic: TOPICS.events,
        isDense: true,
        insert: (records, token) => {
          inserts.push(`${records[0]?.offset}-${records.at(-1)?.offset} ${token}`);
          return insert(records, token);
        },
      },
    ],
    flushIntervalMs: 20,
    batchRecordsMax: 1000,
    batchBytesMax: 1 << 20,
    onWarning: () => undefined,
  });
}

const taken: ArchiveSink['insert'] = async ({ length }) => ({ archivedCount: length, leftOut: new Map() });

it('counts what was announced and has partly expired, all of it, as deleted', async () => {
  await log.append(TOPICS.events, textRecords('k', 10, 12));
  clock.ahead(HOUR_MS + 60_000);
  await log.cleanUp('due');
  expect(await log.offsets(TOPICS.events)).toEqual([{ partition: 0, earliest: 5, end: 12 }]);
  const stage = await start(log, taken);
  const counted = () => stage.counts.partitions.get('events/0');
  await until(() => counted()?.archived === 2);
  expect(counted()).toMatchObject({ deleted: 10, consumed: 2, next: 12 });
  expect(inserts).toEqual([expect.stringMatching(/^10-11 /)]);
  await stage.stop();
});

it('repeats what was announced until the store takes it', async () => {
  const stage = await start(log, (records, token) => (inserts.length < 3 ? away() : taken(records, token)));
  await until(async () => (await log.committed(GROUPS.archive, TOPICS.events)).get(0)?.offset === 10);
  expect(inserts).toEqual(Array.from({ length: 3 }, () => '0-9 the-token'));
  await stage.stop();
});

it('leaves what was announced to the next owner once the partition is lost', async () => {
  let isLost = false;
  const losing = withLeases(log, (lease) => ({ valid: () => !isLost && lease.valid() }));
  const stage = await start(losing, away);
  await until(() => inserts.length > 0);
  isLost = true;
  await systemClock.sleep(1500);
  expect(inserts.length).toBeLessThanOrEqual(2);
  await stage.stop();
  expect((await log.committed(GROUPS.archive, TOPICS.events)).get(0)).toEqual({
    offset: 0,
    metadata: 'insert 0-9 the-token',
  });
});

function away(): Promise<never> {
  return Promise.reject(Object.assign(new Error('away'), { retryable: true }));
}

/** The log, but for leases, which end when a test says so. */
function withLeases(own: Log, change: (lease: Lease) => Lease): Log {
  return {
    ensureTopics: (topics) => own.ensureTopics(topics),
    append: (topic, records) => own.append(topic, records),
    join: (options) =>
      own.join({
        ...options,
        assigned: async (partition, committed, lease) => options.assigned?.(partition, committed, change(lease)),
      }),
    read: (topic, partition, range) => own.read(topic, partition, range),
    offsets: (topic) => own.offsets(topic),
    committed: (group, topic) => own.committed(group, topic),
    incarnation: (topic) => own.incarnation(topic),
    close: () => own.close(),
  };
}
