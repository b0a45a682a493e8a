import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openEmbeddedLog } from '../../src/log/embedded.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type AccountOptions, account, countAsides, isSettled } from '../support/accounts.ts';
import { type Answer, type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import type { KafkaServer } from '../support/kafka-server.ts';
import type { TokenwardenProcess } from '../support/tokenwarden-process.ts';
import type { FaultContext } from './scenario.ts';
import type { Traffic } from './traffic.ts';

const FINGERPRINT_KEY = 'the same for all processes of an installation';
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
export const PARTITION_COUNT = 3;
const COUNT_ARCHIVE = join(import.meta.dirname, 'count-archive.ts');
const run = promisify(execFile);

/** One Tokenwarden with its log, its receiver, and all that is compared afterwards. */
export interface Installation {
  readonly receiver: HttpReceiver;
  readonly dataFolder: string;
  /** Empty on the embedded log. */
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  configOf(sources: readonly object[], more?: object): Record<string, unknown>;
  /** Opens its log for looking at it. */
  open(): Promise<Log>;
}

export interface InstallationOptions {
  /** More of the `log` section. */
  readonly log?: object;
  /** Instead of the Kafka that all scenarios share. */
  readonly kafka?: Pick<KafkaServer, 'brokers'>;
  /** The addresses that the processes are given; the Kafka's otherwise. */
  readonly brokers?: readonly string[];
}

/** Sets up an installation for a scenario, with a receiver that refuses every fifth call, so that there is always something to try again. */
export async function install(context: FaultContext, options: InstallationOptions = {}): Promise<Installation> {
  const receiver = await startHttpReceiver();
  context.defer(() => receiver.close());
  let count = 0;
  receiver.always(() => refuseSome(++count));
  const dataFolder = join(context.folder, 'data');
  const own = context.log === 'kafka' ? (options.kafka ?? (await context.kafka())).brokers : [];
  const topicPrefix = `faults-${process.pid}-${Date.now()}.`;
  const base = { kind: context.log, partitionCount: PARTITION_COUNT };
  const kafka = { brokers: options.brokers ?? own, topicPrefix, sessionTimeoutMs: 1000 };
  const log = { ...base, ...(context.log === 'kafka' && kafka), ...options.log };
  return {
    receiver,
    dataFolder,
    brokers: own,
    topicPrefix,
    configOf: (sources, more = {}) => ({ ...configOf(dataFolder, log, receiver.url), sources, ...more }),
    open: () =>
      context.log === 'kafka'
        ? openKafkaLog({ brokers: own, topicPrefix, clock: systemClock })
        : openEmbeddedLog({ folder: dataFolder, access: 'read', clock: systemClock }),
  };
}

/** Every fifth call fails. */
export function refuseSome(count: number): Answer {
  return { status: count % 5 === 0 ? 503 : 200, body: '{}' };
}

function configOf(dataFolder: string, log: object, url: string): Record<string, unknown> {
  const webhook = { kind: 'webhook', secrets: [SECRET], allowInsecure: true, allowPrivateAddresses: true };
  return {
    mode: 'enforce',
    dataFolder,
    log,
    fingerprintKey: FINGERPRINT_KEY,
    clickhouse: { kind: 'embedded' },
    // Many alarms and many checkpoints, so that harm falls between them.
    detection: { checkpointIntervalMs: 700, alarmBudget: '1 per token-month' },
    response: {
      receivers: { hook: { ...webhook, url: `${url}/alerts` } },
      revokers: { gateway: { ...webhook, url: `${url}/revoke`, propagationMs: 100 } },
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

/** Waits until all lines have passed through all stages that run. */
export async function settle(
  { open }: Pick<Installation, 'open'>,
  lineCount: number,
  processes: readonly TokenwardenProcess[],
  limitMs = 90_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const ended = processes.find(({ exited }) => exited);
    if (ended) throw new Error(`tokenwarden ended by itself:\n${ended.log()}`);
    const log = await open();
    const settled = await isSettled(log, lineCount).finally(() => log.close());
    if (settled.done) return;
    const logs = () => processes.map((one) => one.log().slice(-3000)).join('\n---\n');
    if (Date.now() > deadline) throw new Error(`not settled within ${limitMs} ms: ${settled.why}\n${logs()}`);
    await sleep(250);
  }
}

/** Waits until the archive has all there is. */
export async function settleArchive({ open }: Pick<Installation, 'open'>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const log = await open();
    const behind = await archiveLag(log).finally(() => log.close());
    if (behind === 0) return;
    if (Date.now() > deadline) throw new Error(`the archive is ${behind} records behind after ${limitMs} ms`);
    await sleep(500);
  }
}

async function archiveLag(log: Log): Promise<number> {
  let lag = 0;
  for (const topic of [TOPICS.events, TOPICS.findings, TOPICS.ledger]) {
    const committed = await log.committed(GROUPS.archive, topic);
    for (const { partition, end } of await log.offsets(topic)) lag += end - (committed.get(partition)?.offset ?? 0);
  }
  return lag;
}

/**
 * Throws unless everything is as if nothing had happened.
 *
 * @param traffic `repeatedCount`: second copies in our log. `any`: collectors lost lanes in the midst of their work, and what they sent may stand
 * there again, dead letters too, as long as it counts once.
 * @returns what was counted
 */
export async function checkBooks(
  installation: Pick<Installation, 'open' | 'receiver'>,
  traffic: Pick<Traffic, 'lineCount' | 'badCount'> & { readonly repeatedCount?: number | 'any' },
  more: Pick<AccountOptions, 'detectorFolders' | 'detectorOptions' | 'wanted' | 'kept'> = {},
) {
  const log = await installation.open();
  const options = { fingerprintKey: FINGERPRINT_KEY, budget: { alarms: 1, tokenMonths: 1 }, ...more };
  const books = await account(log, options).finally(() => log.close());
  const { eventIds, tokens, assessments, expectedAssessments, alertIds, expectedAlertIds } = books;
  const deadLetterIds = new Set(books.deadLetterIds);

  // Every line is an event or a dead letter, once.
  assert.equal(deadLetterIds.size, traffic.badCount, 'dead letters');
  assert.equal(eventIds.length, traffic.lineCount - traffic.badCount, 'events');
  assert.equal(new Set(eventIds).size, eventIds.length, 'events twice');
  const copies = { events: books.repeatedCount, deadLetters: books.deadLetterIds.length - deadLetterIds.size };
  const { repeatedCount = 0 } = traffic;
  if (repeatedCount !== 'any') assert.deepEqual(copies, { events: repeatedCount, deadLetters: 0 }, 'second copies');

  // Baselines are, to the byte, what one engine makes of the events that was never disturbed.
  assert.ok(tokens.length > 20, `only ${tokens.length} tokens`);
  assert.deepEqual(namesOf(tokens.filter(({ same }) => !same)), [], 'baselines differ');

  // So is what was told; telling twice is allowed, under the same id and with the same words.
  assert.deepEqual([...assessments.keys()].sort(), [...expectedAssessments.keys()].sort(), 'assessments');
  for (const [id, assessment] of assessments) assert.deepEqual(assessment, expectedAssessments.get(id));

  // Every alert is in the ledger, every action settled, every notification and order received, one body under each id.
  assert.deepEqual([...alertIds].sort(), [...expectedAlertIds].sort(), 'alerts');
  // A token that is alarming before its baseline is old enough is rightly held, and nobody is called for it.
  const isYoung = ({ action }: (typeof books.actions)[number]) => action.reason.code === 'baseline-too-young';
  const wrong = books.actions.filter((entry) =>
    entry.state === 'held' ? !isYoung(entry) : !isSettledAs(entry.action.kind, entry.state),
  );
  assert.deepEqual(
    wrong.map(({ action, state, detail }) => `${action.kind} ${state} ${detail}`),
    [],
    'actions',
  );
  const bodies = new Map<string, Set<string>>();
  for (const { headers, body } of installation.receiver.requests) {
    const id = String(headers['webhook-id']);
    bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
  }
  const due = books.actions
    .filter(({ state }) => state !== 'superseded' && state !== 'held')
    .map(({ action }) => action.id);
  assert.deepEqual(
    due.filter((id) => !bodies.has(id)),
    [],
    'actions that never arrived',
  );
  const known = new Set(books.actions.map(({ action }) => action.id));
  assert.deepEqual(
    [...bodies.keys()].filter((id) => !known.has(id)),
    [],
    'calls without an action',
  );
  assert.deepEqual(
    [...bodies].filter(([, texts]) => texts.size > 1).map(([id]) => id),
    [],
    'two bodies under one id',
  );
  return {
    events: eventIds.length,
    deadLetters: deadLetterIds.size,
    ...(repeatedCount === 'any' && { 'copies passed over': copies.events + copies.deadLetters }),
    tokens: tokens.length,
    assessments: expectedAssessments.size,
    alerts: alertIds.size,
    actions: books.actions.length,
    revocations: books.actions.filter(({ action }) => action.kind === 'revoke').length,
    calls: installation.receiver.requests.length,
  };
}

/** Waits until all has passed and is archived, stops the process, and throws unless everything is as if nothing had happened. @returns what was counted */
export async function closeBooks(
  installation: Installation,
  traffic: Pick<Traffic, 'lineCount' | 'badCount'>,
  tokenwarden: TokenwardenProcess,
  limitMs?: number,
) {
  await settle(installation, traffic.lineCount, [tokenwarden], limitMs);
  await settleArchive(installation);
  assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
  const books = await checkBooks(installation, traffic);
  return { ...books, archived: await checkArchive(installation, books.assessments) };
}

function isSettledAs(kind: string, state: string): boolean {
  return kind === 'revoke' ? state === 'verified' : state === 'accepted' || state === 'superseded';
}

function namesOf(tokens: readonly { readonly token: string }[]): readonly string[] {
  return tokens.map(({ token }) => token);
}

/**
 * Throws unless the archive has every event and every assessment once, and nothing of the ledger twice. No process may run.
 *
 * @param assessmentCount as the books say; in the log they may stand several times
 */
export async function checkArchive({ dataFolder, open }: Installation, assessmentCount: number): Promise<number> {
  const archive = await countArchive({ dataFolder });
  const log = await open();
  const count = async (topic: string) => (await log.offsets(topic)).reduce((total, { end }) => total + end, 0);
  try {
    assert.equal(archive['events'], (await count(TOPICS.events)) - (await countAsides(log)), 'archived events');
    assert.equal(archive['distinctEvents'], archive['events'], 'events archived twice');
    assert.equal(archive['findings'], archive['distinctFindings'], 'findings archived twice');
    assert.equal(archive['assessments'], assessmentCount, 'archived assessments');
    assert.equal(archive['deliveries'], archive['distinctDeliveries'], 'deliveries archived twice');
  } finally {
    await log.close();
  }
  return archive['events'] ?? 0;
}

/** What the archive holds, by name. No process may run. */
export async function countArchive({ dataFolder }: Pick<Installation, 'dataFolder'>): Promise<Record<string, number>> {
  const { stdout } = await run(process.execPath, [COUNT_ARCHIVE, join(dataFolder, 'clickhouse')]);
  return JSON.parse(stdout) as Record<string, number>;
}
