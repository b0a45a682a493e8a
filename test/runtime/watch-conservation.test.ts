import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { type ArchiveSink, startArchive } from '../../src/pipeline/archive.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { type Rest, watchConservation } from '../../src/runtime/watch-conservation.ts';
import { type ClickHouse, openClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createStoreQueries } from '../../src/store/queries.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
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
        await store.command('DELETE FROM events WHERE log_offset = 150');
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
      await systemClock.sleep(400);
    }
    expect(stage.counts.partitions.get('events/0')?.consumed).toBe(200);
    await watch.stop();
    await stage.stop();
    await log.close();
    return told;
  }
});

async function appendEvents(log: Log, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => {
    const event = blankEvent(`source/lane/${i}`, 'token', Date.now());
    return { key: 'token', value: Buffer.from(encodeStoredEvent(event, i)) };
  });
  await log.append(TOPICS.events, records);
}
