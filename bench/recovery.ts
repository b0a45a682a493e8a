import type { Log, NewRecord } from '../src/log/log.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { DETECT, type Installation, type Instance, install, until, untilCaughtUp } from './installation.ts';
import { storedRecord } from './stored-record.ts';

/** Seconds until a process that takes over a million baselines has decided its first event. */
export interface Recovery {
  /** From the start of the program, with nothing at hand. */
  readonly cold: number;
  /** In a standby, from the moment that the owner is told to stop: its last checkpoint and the group's new order are part of it. */
  readonly warm: number;
}

const TOKEN_COUNT = 1_000_000;
/** One, so that whoever takes over takes all. */
const PARTITION_COUNT = 1;
const APPEND_RECORDS = 5000;
const LIMIT_MS = 300_000;
const POLL_MS = 10;
/** Nothing says how far a standby is; it reads what a cold start reads. */
const STANDBY_READS = 2;
const STANDBY_IDLE_MS = 5000;
const PROCESS = { stages: ['detect'], detection: { tokensMax: 1_200_000 } };

/** Has a million tokens learned and made durable, starts a process in the place of the one that did it, and then hands over to a standby. */
export async function measureRecovery(brokers: readonly string[], say: (text: string) => void): Promise<Recovery> {
  const installation = await install(brokers, 'recovery', PARTITION_COUNT);
  const { log } = installation;
  try {
    await fillTokens(log);
    say(`letting ${TOKEN_COUNT} tokens be learned`);
    const first = await installation.start(PROCESS);
    await untilCaughtUp(log, DETECT, 0, LIMIT_MS);
    await first.process.stop();
    const { owner, cold } = await startCold(installation);
    say(`recovered in ${cold.toFixed(1)} s; a standby reads along`);
    const standby = await installation.start(PROCESS);
    await systemClock.sleep(STANDBY_READS * cold * 1000 + STANDBY_IDLE_MS);
    return { cold, warm: await handOver(log, owner, standby) };
  } finally {
    await installation.close();
  }
}

async function fillTokens(log: Log): Promise<void> {
  for (let first = 0; first < TOKEN_COUNT; first += APPEND_RECORDS)
    await log.append(
      TOPICS.events,
      Array.from({ length: APPEND_RECORDS }, (_, i) => recordOf(first + i)),
    );
}

async function startCold(installation: Installation): Promise<{ readonly owner: Instance; readonly cold: number }> {
  await installation.log.append(TOPICS.events, [recordOf(0)]);
  const startedAt = performance.now();
  const owner = await installation.start(PROCESS);
  await untilDecides(owner);
  return { owner, cold: (performance.now() - startedAt) / 1000 };
}

/** Events come all the while: the pause is over when the standby has decided one. */
async function handOver(log: Log, owner: Instance, standby: Instance): Promise<number> {
  const stopping = new AbortController();
  const flowing = trickle(log, stopping.signal);
  const toldAt = performance.now();
  const stopped = owner.process.stop();
  await untilDecides(standby);
  const warm = (performance.now() - toldAt) / 1000;
  stopping.abort();
  await Promise.all([flowing, stopped]);
  return warm;
}

async function untilDecides(instance: Instance): Promise<void> {
  const decided = async () => [...(await instance.metric('tokenwarden_detect_events_total')).values()][0] ?? 0;
  await until('an event is decided', async () => (await decided()) > 0, LIMIT_MS, POLL_MS);
}

async function trickle(log: Log, signal: AbortSignal): Promise<void> {
  for (let token = 1; !signal.aborted; token++) {
    await log.append(TOPICS.events, [recordOf(token)]);
    await systemClock.sleep(POLL_MS, signal);
  }
}

function recordOf(token: number): NewRecord {
  const record = {
    time: new Date().toISOString(),
    token: `token-${token}`,
    principal: `service-${token}`,
    source_ip: '192.0.2.7',
    database: 'orders_db',
    operation: 'select' as const,
    tables: [`public.table_${token % 50}`],
    statement: 'SELECT * FROM orders WHERE id = $1',
    rows: 20,
    bytes: 2000,
    success: true,
    app: 'node-postgres',
    session: `session-${token}`,
  };
  return storedRecord(record, `recovery/0/${token}`);
}
