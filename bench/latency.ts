import { HOUR_MS } from '../src/baseline/time.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import type { Log } from '../src/log/log.ts';
import { decodeLedgerEntry } from '../src/pipeline/ledger.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { SimulatedToken } from '../src/simulate/fleet.ts';
import { theftOf } from '../src/simulate/theft.ts';
import type { ReceivedRequest } from '../test/support/http-receiver.ts';
import { DETECT, type Installation, type Instance, RESPOND, sumOf, untilCaughtUp } from './installation.ts';
import { startLoad } from './load.ts';
import { quantile } from './quantile.ts';
import { storedRecord } from './stored-record.ts';

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  /** Honest events that flowed meanwhile: half of the maximum. */
  readonly loadPerSecond: number;
  /** Events decided when more is offered than can be, with generator, broker and Tokenwarden on this one machine. */
  readonly maximumPerSecond: number;
  /** Thefts that were committed, and those among them that led to a revocation: what the times are of. */
  readonly theftCount: number;
  readonly sampleCount: number;
}

/** A thief's events are so far apart, and no more than so many: then an order to revoke has so long to come. */
const PACE_MS = 100;
const EVENTS_MAX = 12;
const WAIT_MS = 2000;
/** Between two thefts: a revocation costs as much as a thousand events, and one after the other would be a load of their own. */
const PAUSE_MS = 200;
const CATCHING_UP_MS = 60_000;
/** Before the maximum is measured. */
const RISING_MS = 1000;
/** A machine too busy to keep up is told of, not waited for. */
const STEALING_LIMIT_MS = 120_000;

/**
 * Steals one token after the other while honest events flow, and takes the time from handing the decisive event
 * to Kafka until the order to revoke has arrived: detect, respond and delivery in a process of their own, as users run them.
 *
 * @param options `maximumMs`: how long the maximum is measured
 * @returns with it, where the load ended
 */
export async function measureLatency(
  installation: Installation,
  instance: Instance,
  victims: readonly SimulatedToken[],
  { maximumMs }: { readonly maximumMs: number },
  say: (text: string) => void,
): Promise<{ readonly latency: Latency; readonly next: number }> {
  const { brokers, prefix, log, receiver } = installation;
  const thief = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  await untilCaughtUp(log, DETECT, 50_000, CATCHING_UP_MS);
  const { maximumPerSecond, next } = await maximumOf(installation, instance, maximumMs);
  await untilCaughtUp(log, DETECT, 50_000, CATCHING_UP_MS);
  await untilCaughtUp(log, RESPOND, 100, CATCHING_UP_MS);
  const load = await startLoad({ brokers, topicPrefix: prefix, perSecond: maximumPerSecond / 2, first: next });
  try {
    const rounded = Math.round(maximumPerSecond);
    say(`stealing ${victims.length} tokens, one after the other, beside half of ${rounded} events/s`);
    const thefts: Theft[] = [];
    const startedAt = performance.now();
    for (const victim of victims) {
      if (performance.now() - startedAt > STEALING_LIMIT_MS) break;
      thefts.push(await steal(thief, victim, receiver.requests));
      await systemClock.sleep(PAUSE_MS);
    }
    const samples = delaysOf(thefts, await decisiveEvents(log));
    const appended = await load.stop();
    const latency = {
      p50: quantile(samples, 0.5),
      p99: quantile(samples, 0.99),
      loadPerSecond: appended.perSecond,
      maximumPerSecond,
      theftCount: thefts.length,
      sampleCount: samples.length,
    };
    return { latency, next: appended.next };
  } finally {
    await load.stop();
    await thief.close();
  }
}

/** Events decided a second while the generator appends as fast as it can; and where it ended. */
async function maximumOf({ brokers, prefix }: Installation, instance: Instance, maximumMs: number) {
  const decided = async () => sumOf(await instance.metric('tokenwarden_detect_events_total'));
  const load = await startLoad({ brokers, topicPrefix: prefix, perSecond: Number.POSITIVE_INFINITY });
  try {
    await systemClock.sleep(RISING_MS);
    const [before, startedAt] = [await decided(), performance.now()];
    await systemClock.sleep(maximumMs);
    const maximumPerSecond = ((await decided()) - before) / ((performance.now() - startedAt) / 1000);
    return { maximumPerSecond, next: (await load.stop()).next };
  } finally {
    await load.stop();
  }
}

/** What a thief did, and what came of it. */
interface Theft {
  readonly victim: SimulatedToken;
  /** When each event was handed to Kafka, by its id. */
  readonly sentAt: ReadonlyMap<string, number>;
  /** When the order to revoke the token arrived, if it did. */
  readonly orderedAt: number | undefined;
}

async function steal(log: Log, victim: SimulatedToken, requests: readonly ReceivedRequest[]): Promise<Theft> {
  const seen = requests.length;
  const orderedAt = () => requests.slice(seen).find((request) => isOrderOf(request, victim))?.at;
  const sentAt = new Map<string, number>();
  const records = theftOf(victim, 'latency', Date.now() - HOUR_MS / 60).slice(0, EVENTS_MAX);
  for (const [i, record] of records.entries()) {
    const id = `theft/${victim.token}/${i}`;
    sentAt.set(id, performance.now());
    await log.append(TOPICS.events, [storedRecord(record, id)]);
    await waitFor(orderedAt, PACE_MS);
    if (orderedAt() !== undefined) break;
  }
  await waitFor(orderedAt, WAIT_MS);
  return { victim, sentAt, orderedAt: orderedAt() };
}

async function waitFor(isThere: () => number | undefined, limitMs: number): Promise<void> {
  const startedAt = performance.now();
  while (isThere() === undefined && performance.now() - startedAt < limitMs) await systemClock.sleep(1);
}

/** @returns the event upon which each token's revocation was decided, as the ledger has it */
async function decisiveEvents(log: Log): Promise<ReadonlyMap<string, string>> {
  const decisive = new Map<string, string>();
  for await (const records of log.read(TOPICS.ledger, 0, { from: 0 })) {
    for (const entry of records.map(decodeLedgerEntry)) {
      if (entry?.kind !== 'alert' || entry.entry.revocation?.state !== 'approved') continue;
      const { token, latest } = entry.entry.alert;
      if (!decisive.has(token)) decisive.set(token, latest.eventId);
    }
  }
  return decisive;
}

/** @returns ms from handing over the event that was one too many to the order's arrival */
function delaysOf(thefts: readonly Theft[], decisive: ReadonlyMap<string, string>): readonly number[] {
  return thefts.flatMap(({ victim, sentAt, orderedAt }) => {
    const from = sentAt.get(decisive.get(victim.token) ?? '');
    return from === undefined || orderedAt === undefined ? [] : [orderedAt - from];
  });
}

/** Whether a request orders to revoke this token. */
export function isOrderOf({ body }: ReceivedRequest, { token }: SimulatedToken): boolean {
  return body.includes(`"token":${JSON.stringify(token)}`);
}
