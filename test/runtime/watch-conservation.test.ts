import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { type ArchivedPartition, type ArchiveSink, startArchive } from '../../src/pipeline/archive.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { type Rest, watchConservation } from '../../src/runtime/watch-conservation.ts';
import { type ClickHouse, openClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createStoreQueries } from '../../src/store/queries.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import { until } from '../ingest/collecting.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const RETENTION = { events: 30, tokenHours: 30, findings: 30, alerts: 30 };

/** Runs 200 events through the archive stage, into ClickHouse in this process, and gives the rests that were told. */
describe('the conservation of records', () => {
  let folder: Awaited<ReturnType<typeof newFolder>>;
  let store: ClickHouse;

  beforeAll(async () => {
    folder = await newFolder();
    store = await openClickHouse({ folder: `${folder.path}/clickhouse` });
    await migrate(store, RETENTION);
  }, 60_000);

  afterAll(async () => {
    await store.close();
    await folder.remove();
  });

  it('is told to hold while it does, and alarms when a sink loses a record and when ClickHouse does', {
    timeout: 60_000,
  }, async () => {
    expect(await archiveWith('whole', (sink) => sink)).toEqual([]);
    const losing = (sink: ArchiveSink): ArchiveSink => ({
      ...sink,
      insert: (records, token) => sink.insert(records.slice(1), token),
    });
    expect(await archiveWith('sink', losing)).toContainEqual(
      expect.objectContaining({ stage: 'archive', topic: 'events', partition: 0 }),
    );
    const forgetting = (sink: ArchiveSink): ArchiveSink => ({
      ...sink,
      insert: async (records: readonly LogRecord[], token) => {
        const inserted = await sink.insert(records, token);
        await store.command('DELETE FROM events WHERE log_offset = 10');
        return inserted;
      },
    });
    expect(await archiveWith('store', forgetting)).toContainEqual({
      stage: 'store',
      topic: 'events',
      partition: 0,
      restRecords: 1,
    });
  });

  async function archiveWith(name: string, change: (sink: ArchiveSink) => ArchiveSink): Promise<readonly Rest[]> {
    await store.command('TRUNCATE TABLE events');
    const log = await open({ folder: `${folder.path}/${name}`, access: 'own' });
    await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 1 }));
    const stage = await startArchive({
      log,
      clock: systemClock,
      sinks: createSinks(createStoreWriter(store)).map(change),
      flushIntervalMs: 50,
      batchRecordsMax: 1000,
      batchBytesMax: 1 << 20,
      onWarning: () => undefined,
    });
    const told: Rest[] = [];
    const watch = watchConservation({
      counts: { archive: stage.counts },
      clock: systemClock,
      queries: createStoreQueries(store),
      intervalMs: 100,
      onRest: (rest) => told.push(rest),
      onWarning: (cause) => {
        throw cause;
      },
    });
    for (let i = 0; i < 4; i++) {
      await appendEvents(log, 50);
      await until(() => stage.counts.partitions.get('events/0')?.consumed === 50 * (i + 1));
    }
    // What is missing is told when it has been missing twice.
    await systemClock.sleep(1000);
    await watch.stop();
    await stage.stop();
    await log.close();
    return told;
  }
});

describe('what is missing in ClickHouse', () => {
  it('is looked for a while, then counts as lost, and what comes after it is looked at by itself', async () => {
    const part: ArchivedPartition = {
      topic: TOPICS.events,
      partition: 0,
      next: 100,
      begin: { next: 40, loggedAt: 1000, archived: 0 },
      loggedAt: 2000,
      consumed: 60,
      archived: 60,
      leftOut: new Map(),
      deleted: 0,
      gaps: [],
    };
    const asked: string[] = [];
    const told: number[] = [];
    const watch = watchConservation({
      counts: { archive: { partitions: new Map([['events/0', part]]) } },
      clock: systemClock,
      queries: {
        archivedIn: async (_, from, to) => {
          asked.push(`${from}-${to}`);
          const rowCount = to - from - (from === 40 ? 1 : 0);
          return { rowCount, offsetCount: rowCount };
        },
      },
      intervalMs: 1,
      onRest: ({ restRecords }) => told.push(restRecords),
      onWarning: (cause) => {
        throw cause;
      },
    });
    await until(() => asked.length > 10);
    Object.assign(part, { next: 150, archived: 110, consumed: 110 });
    await until(() => asked.includes('100-150'));
    await until(() => asked.includes('150-150'));
    expect(asked.filter((range) => range === '40-100')).toHaveLength(10);
    expect(told).toEqual([1]);
    // Others had it in between: what they archived is not ours to compare.
    Object.assign(part, {
      next: 1000,
      begin: { next: 900, loggedAt: 3000, archived: 110 },
      archived: 210,
      consumed: 210,
    });
    await until(() => asked.includes('900-1000'));
    expect(asked).not.toContain('150-1000');
    expect(watch.rests()).toContainEqual({ stage: 'store', topic: TOPICS.events, partition: 0, restRecords: 1 });
    await watch.stop();
  });
});

async function appendEvents(log: Log, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => {
    const event = blankEvent(`source/lane/${i}`, 'token', Date.now());
    return { key: 'token', value: Buffer.from(encodeStoredEvent(event, i)) };
  });
  await log.append(TOPICS.events, records);
}
