import { expect } from 'vitest';
import { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { Log } from '../../src/log/log.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { BaselineReader } from '../../src/pipeline/baselines.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { samplePolicy } from '../decide/policy.ts';
import { newFolder, open } from '../log/embedded-folder.ts';
import { detecting, dying, ENGINE, live } from './mortal-stages.ts';

const responding = (log: Log) =>
  startRespond({
    log,
    clock: systemClock,
    policy: samplePolicy({}, { protectedTokens: ['*'] }),
    identity: String(Math.random()),
    followIntervalMs: 10,
    openDispatcher: () => ({ submit: () => undefined, withdraw: () => undefined, stop: async () => undefined }),
    onWarning: () => undefined,
  });

/** An installation whose stages die now and then, before an append, after it, or with a part of it written, and live on until all is read. */
export async function openInstallation(seed: string) {
  const random = createRandom(seed);
  const folder = await newFolder();
  let log = await open({ folder: folder.path, access: 'own' });
  const part = (count: number) => random.below(count + 1);
  const insist = async (
    start: typeof detecting | typeof responding,
    place: readonly [string, string],
    topics: readonly string[],
  ) => {
    for (let deaths = 0; ; deaths++) {
      const given = deaths < 4 ? dying(log, topics, 1 + random.below(3), part) : log;
      const lived = await live(log, given, start, place);
      if (lived) return;
      // Whoever comes after finds nobody in office.
      await log.close();
      log = await open({ folder: folder.path, access: 'own' });
    }
  };
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  return {
    /** The one in use: another after each death. */
    log: () => log,
    detect: () => insist(detecting, [GROUPS.detect, TOPICS.events], [TOPICS.baselines, TOPICS.findings]),
    respond: () => insist(responding, [GROUPS.respond, TOPICS.findings], [TOPICS.events, TOPICS.ledger]),
    close: async () => {
      await log.close();
      await folder.remove();
    },
  };
}

/**
 * Compares a token's baseline with what an engine that nothing happens to makes of the log, where of each verdict and notice the first copy counts.
 *
 * @returns copies that there are of them
 */
export async function copiesApplied(log: Log, token: string): Promise<number> {
  const once = new Engine(ENGINE);
  const seen = new Set<string>();
  let copies = 0;
  for await (const batch of log.read(TOPICS.events, 0)) {
    for (const { value, offset, appendedAt } of batch) {
      const bytes = value as Buffer;
      const aside = asideIn(bytes);
      if (!aside) once.observe(decodeStoredEvent(bytes, '') as AuditEvent, offset, appendedAt);
      else if (!seen.has(bytes.toString())) once.takeAside(aside, offset);
      if (aside) copies += 1;
      seen.add(bytes.toString());
    }
  }
  const restored = new Engine(ENGINE);
  await new BaselineReader(0, restored).readOn(log);
  expect(Buffer.compare(restored.snapshot(token) as Buffer, once.snapshot(token) as Buffer)).toBe(0);
  return copies;
}
