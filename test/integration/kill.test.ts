import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/baseline/time.ts';
import { createRandom } from '../../src/domain/random.ts';
import { openEmbeddedLog } from '../../src/log/embedded.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createFleet, dayOfFleet } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { account, isSettled } from '../support/accounts.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import { startKafka } from '../support/kafka-server.ts';
import { startTokenwarden } from '../support/tokenwarden-process.ts';

/**
 * `kill -9`, many times at random moments, while history is being written to the file that is read. Afterwards everything is as if nothing
 * had happened: checked against what a single undisturbed engine makes of the same events.
 */

const FINGERPRINT_KEY = 'the same for all processes of an installation';
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
const DAYS = 12;
const THEFT_COUNT = 5;
const BAD_LINES = 7;
const PARTITION_COUNT = 3;
const SETTLING_LIMIT_MS = 60_000;

const kafka = await startKafka();
const history = makeHistory();

describe('kill -9 at random moments', () => {
  let folder: string;
  let receiver: HttpReceiver;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenwarden-kill-'));
    receiver = await startHttpReceiver();
    let count = 0;
    // Every fifth call fails, so that there is always something to be tried again.
    receiver.always(() => ({ status: ++count % 5 === 0 ? 503 : 200, body: '{}' }));
  });

  afterAll(async () => {
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
    if ('stop' in kafka) await kafka.stop();
  });

  it('loses nothing and applies nothing twice on the embedded log', async () => {
    const open = () => openEmbeddedLog({ folder: join(folder, 'embedded'), access: 'read', clock: systemClock });
    const log = { kind: 'embedded', partitionCount: PARTITION_COUNT };
    await disturb({ name: 'embedded', folder, receiver, log, open, kills: 30, lifeMsMax: 2000 });
  });

  it.skipIf('skipped' in kafka)('loses nothing and applies nothing twice on Kafka', async () => {
    const brokers = 'brokers' in kafka ? kafka.brokers : [];
    const topicPrefix = `kill-${process.pid}-${Date.now()}.`;
    const open = () => openKafkaLog({ brokers, topicPrefix, clock: systemClock });
    const log = { kind: 'kafka', brokers, topicPrefix, partitionCount: PARTITION_COUNT, sessionTimeoutMs: 1000 };
    await disturb({ name: 'kafka', folder, receiver, log, open, kills: 15, lifeMsMax: 5000 });
  });
});

interface Run {
  readonly name: string;
  readonly folder: string;
  readonly receiver: HttpReceiver;
  /** The `log` section of the configuration. */
  readonly log: object;
  /** Opens that log for looking at it. */
  readonly open: () => Promise<Log>;
  readonly kills: number;
  readonly lifeMsMax: number;
}

async function disturb({ name, folder, receiver, log, open, kills, lifeMsMax }: Run): Promise<void> {
  const seed = process.env['TOKENWARDEN_TEST_SEED'] ?? String(Date.now());
  console.log(`${name}: TOKENWARDEN_TEST_SEED=${seed} repeats these moments`);
  const random = createRandom(seed);
  const path = join(folder, `${name}.jsonl`);
  await writeFile(path, '');
  const config = configOf(join(folder, name), path, receiver.url, log);
  let written = 0;
  const write = (count: number) => {
    appendFileSync(
      path,
      history
        .slice(written, written + count)
        .map((line) => `${line}\n`)
        .join(''),
    );
    written = Math.min(history.length, written + count);
  };
  for (let i = 0; i < kills; i++) {
    const tokenwarden = await startTokenwarden(folder, config);
    // Some die while they start, most while they work.
    if (i % 3 > 0) await tokenwarden.logged('watching');
    const dying = sleep(random.below(lifeMsMax)).then(() => {
      expect(tokenwarden.exited, tokenwarden.log()).toBe(false);
      return tokenwarden.kill();
    });
    const share = history.length / kills / 100;
    while (!tokenwarden.exited) {
      write(Math.ceil(share * random.next() * 2));
      await sleep(10);
    }
    await dying;
  }
  const last = await startTokenwarden(folder, config);
  await last.logged('watching');
  write(history.length);
  await settle(open, history.length, () => last.exited, last.log);
  expect(await last.stop(), last.log()).toBe(0);
  const reading = await open();
  try {
    await check(reading, receiver, `${name}/`);
  } finally {
    await reading.close();
  }
}

function configOf(dataFolder: string, path: string, url: string, log: object): object {
  const name = dataFolder.split('/').at(-1);
  const webhook = { kind: 'webhook', secrets: [SECRET], allowInsecure: true, allowPrivateAddresses: true };
  return {
    mode: 'enforce',
    dataFolder,
    log,
    fingerprintKey: FINGERPRINT_KEY,
    clickhouse: { kind: 'off' },
    sources: [{ name, kind: 'file', format: 'canonical', path }],
    // Many alarms, so that kills fall between them.
    detection: { checkpointIntervalMs: 700, alarmBudget: '1 per token-month' },
    response: {
      receivers: { hook: { ...webhook, url: `${url}/alerts/${name}` } },
      revokers: { gateway: { ...webhook, url: `${url}/revoke/${name}`, propagationMs: 100 } },
      // Thieves are many here, and alike.
      sharedCause: { tokenCount: 1000 },
      revocation: {
        rules: [{ revoker: 'gateway' }],
        budget: { revocationCount: 1000 },
        brake: { tokenCount: 1000 },
      },
    },
    logging: { level: 'info' },
  };
}

async function settle(
  open: () => Promise<Log>,
  lineCount: number,
  exited: () => boolean,
  log: () => string,
): Promise<void> {
  const deadline = Date.now() + SETTLING_LIMIT_MS;
  for (;;) {
    if (exited()) throw new Error(`tokenwarden ended by itself:\n${log()}`);
    const reading = await open();
    const settled = await isSettled(reading, lineCount).finally(() => reading.close());
    if (settled.done) return;
    if (Date.now() > deadline) throw new Error(`not settled within ${SETTLING_LIMIT_MS} ms: ${settled.why}\n${log()}`);
    await sleep(250);
  }
}

async function check(log: Log, receiver: HttpReceiver, prefix: string): Promise<void> {
  const books = await account(log, { fingerprintKey: FINGERPRINT_KEY, budget: { alarms: 1, tokenMonths: 1 } });

  // Every line is an event or a dead letter, once.
  expect(books.deadLetterIds.length).toBe(BAD_LINES);
  expect(new Set(books.deadLetterIds).size).toBe(BAD_LINES);
  expect(books.eventIds.length).toBe(history.length - BAD_LINES);
  expect(new Set(books.eventIds).size).toBe(books.eventIds.length);
  expect(books.repeatedCount, 'second copies in our log').toBe(0);
  expect(books.eventIds.every((id) => id.startsWith(prefix))).toBe(true);

  // Baselines are, to the byte, what one engine makes of the events that was never disturbed.
  expect(books.tokens.length).toBeGreaterThan(20);
  expect(books.tokens.filter(({ same }) => !same).map(({ token }) => token)).toEqual([]);

  // So is what was told; telling twice is allowed, under the same id and with the same words.
  expect([...books.assessments.keys()].sort()).toEqual([...books.expectedAssessments.keys()].sort());
  for (const [id, assessment] of books.assessments) expect(assessment).toEqual(books.expectedAssessments.get(id));

  // Every alert is in the ledger, every action settled, every notification and order received.
  expect([...books.alertIds].sort()).toEqual([...books.expectedAlertIds].sort());
  const kind = (wanted: string) => books.actions.filter(({ action }) => action.kind === wanted);
  // A token that is alarming before its baseline is old enough is rightly held.
  const revocations = kind('revoke').filter(({ action }) => action.reason.code !== 'baseline-too-young');
  expect(new Set(revocations.map(({ state }) => state))).toEqual(new Set(['verified']));
  expect(revocations.length).toBeGreaterThanOrEqual(THEFT_COUNT - 1);
  expect(kind('notify').filter(({ state }) => state !== 'accepted' && state !== 'superseded')).toEqual([]);
  const bodies = new Map<string, Set<string>>();
  for (const { path, headers, body } of receiver.requests) {
    if (!path.endsWith(`/${prefix.slice(0, -1)}`)) continue;
    const id = String(headers['webhook-id']);
    bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
  }
  const expected = books.actions.filter(({ state }) => state !== 'superseded').map(({ action }) => action.id);
  expect(expected.filter((id) => !bodies.has(id))).toEqual([]);
  const known = new Set(books.actions.map(({ action }) => action.id));
  expect([...bodies.keys()].filter((id) => !known.has(id))).toEqual([]);
  for (const [id, texts] of bodies) expect(texts.size, `different bodies under ${id}`).toBe(1);
  console.log(
    `${prefix} ${books.eventIds.length} events, ${books.tokens.length} tokens, ${books.expectedAssessments.size} assessments ` +
      `(written ${books.assessmentCount} times), ${books.alertIds.size} alerts, ${books.actions.length} actions, ${receiver.requests.length} calls`,
  );
}

/** Twelve days of a small fleet with thefts towards the end, and some lines that are no events. */
function makeHistory(): readonly string[] {
  const fleet = createFleet('kill', 40);
  const start = Date.UTC(2026, 8, 7);
  const days = Array.from({ length: DAYS }, (_, day) => dayOfFleet(fleet, 'kill', start + day * DAY_MS));
  const services = fleet.tokens.filter(({ habit }) => habit === 'service').slice(0, THEFT_COUNT);
  const thefts = services.flatMap((token, i) => theftOf(token, 'kill', start + (9 + i / 2) * DAY_MS + i * 7_000_000));
  const lines = [...days.flat(), ...thefts]
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .map((record) => JSON.stringify(record));
  for (let i = 0; i < BAD_LINES; i++)
    lines.splice(Math.floor(((i + 0.5) * lines.length) / BAD_LINES), 0, `{"bad": ${i}}`);
  return lines;
}
