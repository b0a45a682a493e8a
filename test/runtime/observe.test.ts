import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Metric, renderMetrics } from '../../src/http/metrics.ts';
import type { OperationsFacts } from '../../src/http/operations.ts';
import type { Log } from '../../src/log/log.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import type { Stage } from '../../src/pipeline/stage.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import type { Counts } from '../../src/runtime/assemble.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { observe } from '../../src/runtime/observe.ts';
import type { SourceTopics } from '../../src/runtime/open-source.ts';
import type { Status } from '../../src/runtime/status.ts';
import { samplePolicy } from '../decide/policy.ts';
import { sampleAssessment } from '../deliver/sample.ts';
import { until } from '../ingest/collecting.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const ENGINE = {
  installed: [],
  thresholds: { alert: 10, revoke: 13 },
  hashSeed: 1,
  tokensMax: 100,
  onFailure: () => undefined,
};

let folder: Awaited<ReturnType<typeof newFolder>>;
let log: Log;
let started: Stage[];
let standing: readonly string[];

beforeEach(async () => {
  folder = await newFolder();
  log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 1 }));
  started = [];
  standing = [];
});

afterEach(async () => {
  for (const stage of started) await stage.stop();
  await log.close();
  await folder.remove();
});

function begin<S extends Stage>(stage: S): S {
  started.push(stage);
  return stage;
}

/** What is told of counts, by a process that asks `asked`. */
function facts(
  counts: Counts,
  asked: Log = log,
  sourceTopics: readonly SourceTopics[] = [],
  readyLagMsMax = 60_000,
): OperationsFacts {
  return observe({
    log: asked,
    clock: systemClock,
    counts,
    sourceTopics,
    conservation: { rests: () => [] },
    standstill: { obstacles: () => standing },
    done: new Promise(() => undefined),
    readyLagMsMax,
  });
}

const render = async (told: OperationsFacts) => renderMetrics((await told.metrics()) as readonly Metric[]);

describe('what a process tells of itself', () => {
  it('is not ready while its log waits for room, although nothing is behind', async () => {
    const told = facts({});
    expect(await told.obstacles()).toEqual([]);
    standing = ['our log waits for room'];
    expect(await told.obstacles()).toEqual(['our log waits for room']);
    expect(told.isAlive()).toBe(true);
  });

  it('is not ready while baselines are being restored, although nothing waits to be read', async () => {
    const gate = Promise.withResolvers<void>();
    const slow: Log = {
      ...bound(log),
      async *read(topic, partition, range) {
        if (topic === TOPICS.baselines) await gate.promise;
        yield* log.read(topic, partition, range);
      },
    };
    const stage = begin(
      await startDetect({
        log: slow,
        clock: systemClock,
        engine: ENGINE,
        checkpointIntervalMs: 50,
        checkpointTokensMax: 10,
        standbyIntervalMs: null,
        onWarning: () => undefined,
      }),
    );
    const told = facts({ detect: stage.counts });
    await until(async () => (await told.obstacles()).includes('detect restores the baselines of events/0'));
    expect(await render(told)).toContain('\ntokenwarden_restoring_partitions 1\n');
    gate.resolve();
    await until(async () => (await told.obstacles()).length === 0);
    expect(await render(told)).toContain('\ntokenwarden_restoring_partitions 0\n');
    const { counts } = (await told.status()) as Status;
    // Named one by one: what else a stage keeps is nobody's business.
    expect(counts.detect?.partitions).toEqual([
      { partition: 0, tokenCount: 0, position: 0, committed: 0, checkpointAgeMs: 0 },
    ]);
  });

  it('tells how far a source is behind with what it reads from elsewhere', async () => {
    await log.append(TOPICS.findings, [{ key: null, partition: 0, value: Buffer.from('{}') }]);
    const told = facts({}, log, [{ log, group: 'tokenwarden.audit', topics: [TOPICS.findings], deletedCount: 4 }]);
    const text = await render(told);
    const place = '{group="tokenwarden.audit",topic="findings",partition="0"}';
    expect(text).toContain(`\ntokenwarden_lag_records${place} 1\n`);
    expect(text).toContain('\ntokenwarden_deleted_unread_total{group="tokenwarden.audit"} 4\n');
    await systemClock.sleep(30);
    expect(
      await facts(
        {},
        log,
        [{ log, group: 'tokenwarden.audit', topics: [TOPICS.findings], deletedCount: 4 }],
        20,
      ).obstacles(),
    ).toEqual(['tokenwarden.audit is 0 s (1 records) behind at findings/0']);
  });

  it('goes on telling what it knows when the log fails or does not answer, and asks it once at a time', async () => {
    let askedCount = 0;
    const failing = { ...bound(log), offsets: () => Promise.reject(new Error('brokers are away')) };
    const hanging = {
      ...bound(log),
      offsets: () => {
        askedCount += 1;
        return new Promise<never>(() => undefined);
      },
    };
    const counts: Counts = { archive: { partitions: new Map() } };
    expect(await facts(counts, failing).obstacles()).toEqual(['our log cannot be read: brokers are away']);
    expect(await render(facts(counts, failing))).toContain('\ntokenwarden_ready 0\n');
    const told = facts(counts, hanging);
    const startedAt = performance.now();
    const answers = await Promise.all([told.obstacles(), told.obstacles(), render(told)]);
    expect(performance.now() - startedAt).toBeLessThan(8000);
    expect(answers[0]).toEqual(['our log cannot be read: it takes too long to answer']);
    expect(answers[2]).toContain('\ntokenwarden_up 1\n');
    // Of its three topics: one question, not one for each who wants to know.
    expect(askedCount).toBe(3);
  }, 20_000);

  it('counts decisions and open actions by kind and target, held ones from zero', async () => {
    const stage = begin(
      await startRespond({
        log,
        clock: systemClock,
        policy: samplePolicy({}, { protectedTokens: ['svc-billing'] }),
        identity: 'one',
        followIntervalMs: 60_000,
        openDispatcher: () => ({ submit: () => undefined, withdraw: () => undefined, stop: async () => undefined }),
        onWarning: () => undefined,
      }),
    );
    const told = facts({ respond: stage.counts });
    await until(() => stage.counts.open() !== null);
    const held = 'tokenwarden_decisions_total{kind="revoke",target="gateway",state="held"}';
    expect(await render(told)).toContain(`\n${held} 0\n`);
    const value = encodeFindingsRecord({ kind: 'assessment', assessment: sampleAssessment() });
    await log.append(TOPICS.findings, [{ key: 'svc-billing', partition: 0, value }]);
    await until(() => stage.counts.assessments === 1 && stage.counts.open()?.length === 1);
    const text = await render(told);
    expect(text).toContain(`\n${held} 1\n`);
    expect(text).toContain('\ntokenwarden_decisions_total{kind="notify",target="people",state="approved"} 1\n');
    expect(text).toContain('\ntokenwarden_open_actions{kind="notify",target="people"} 1\n');
    expect(text).toMatch(/\ntokenwarden_oldest_open_action_seconds\{kind="notify",target="people"\} [\d.e-]+\n/);
    expect(text).toContain('\ntokenwarden_in_office 1\n');
    expect(text).not.toContain('svc-billing');
  });
});

/** A log whose methods can be replaced one by one. */
function bound(target: Log): Log {
  return {
    ensureTopics: (specs) => target.ensureTopics(specs),
    incarnation: (topic) => target.incarnation(topic),
    append: (topic, records) => target.append(topic, records),
    read: (topic, partition, range) => target.read(topic, partition, range),
    offsets: (topic) => target.offsets(topic),
    committed: (group, topic) => target.committed(group, topic),
    join: (options) => target.join(options),
    close: () => target.close(),
  };
}
