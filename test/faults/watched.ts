import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS } from '../../src/baseline/time.ts';
import { openEmbeddedLog } from '../../src/log/embedded.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import {
  type CanonicalRecord,
  createFleet,
  dayOfFleet,
  type Fleet,
  type SimulatedToken,
} from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import type { TokenwardenProcess } from '../support/tokenwarden-process.ts';
import type { FaultContext } from './scenario.ts';

const DAYS = 10;
/** A Monday. */
const START = Date.UTC(2026, 8, 7);
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

/** A webhook's options, for tests on this machine. */
export const HOOK = { kind: 'webhook', secrets: [SECRET], allowInsecure: true, allowPrivateAddresses: true };

/** A fleet with ten days behind it, whose tokens can be stolen one by one, and a gateway that is told to revoke them. */
export interface Watched {
  readonly config: Readonly<Record<string, unknown>>;
  readonly gateway: HttpReceiver;
  readonly fleet: Fleet;
  /** Opens its log for looking at it. */
  open(): Promise<Log>;
  /** Lines in the file so far. */
  readonly lineCount: () => number;
  /** Writes lines as they are. */
  write(lines: readonly string[]): void;
  /** Another day of everybody. */
  writeDay(): void;
  /** Has the next token stolen. @returns ms until the gateway was told */
  steal(tokenwarden: TokenwardenProcess, limitMs?: number): Promise<number>;
}

/** Writes the history; `config` lacks the archive and receivers. */
export async function watchFleet({ folder, log, kafka, defer }: FaultContext, tokenCount = 60): Promise<Watched> {
  const path = join(folder, 'input.jsonl');
  const fleet = createFleet('faults', tokenCount);
  const services = fleet.tokens.filter(({ habit }) => habit === 'service');
  const gateway = await startHttpReceiver();
  defer(gateway.close);
  let [day, stolen, lineCount] = [0, 0, 0];
  writeFileSync(path, '');
  const write = (lines: readonly string[]) => {
    lineCount += lines.length;
    appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
  };
  const textOf = (records: readonly CanonicalRecord[]) => records.map((record) => JSON.stringify(record));
  const writeDay = () => write(textOf(dayOfFleet(fleet, 'faults', START + day++ * DAY_MS)));
  for (let i = 0; i < DAYS; i++) writeDay();
  const steal = async (tokenwarden: TokenwardenProcess, limitMs = 30_000) => {
    const token = services[stolen++] as SimulatedToken | undefined;
    assert.ok(token, 'no service is left to be stolen');
    const startedAt = performance.now();
    write(textOf(theftOf(token, 'faults', START + day * DAY_MS + stolen * 600_000)));
    await until(() => gateway.requests.some(({ body }) => body.includes(`"${token.token}"`)), limitMs, tokenwarden);
    return performance.now() - startedAt;
  };
  const dataFolder = join(folder, 'data');
  const brokers = log === 'kafka' ? (await kafka()).brokers : [];
  const topicPrefix = `${folder.split('-').at(-1)}.`;
  const ownLog = { kind: log, partitionCount: 3, ...(log === 'kafka' && { brokers, topicPrefix }) };
  const open = () =>
    log === 'kafka'
      ? openKafkaLog({ brokers, topicPrefix, clock: systemClock })
      : openEmbeddedLog({ folder: dataFolder, access: 'read', clock: systemClock });
  const config = {
    mode: 'enforce',
    dataFolder,
    log: ownLog,
    fingerprintKey: 'the same for all processes of an installation',
    sources: [{ name: 'input', kind: 'file', format: 'canonical', path }],
    detection: { checkpointIntervalMs: 700, alarmBudget: '1 per token-month' },
    response: response(gateway),
    logging: { level: 'info' },
  };
  return { config, gateway, fleet, open, lineCount: () => lineCount, write, writeDay, steal };
}

/** Whom to tell, beside the gateway that revokes. */
export function response(gateway: HttpReceiver, receivers: Readonly<Record<string, object>> = {}) {
  return {
    receivers,
    revokers: { gateway: { ...HOOK, url: gateway.url, propagationMs: 100 } },
    // Thieves are many here, and alike.
    sharedCause: { tokenCount: 1000 },
    revocation: { rules: [{ revoker: 'gateway' }], budget: { revocationCount: 1000 }, brake: { tokenCount: 1000 } },
  };
}

/** Waits until something holds, and fails when it takes too long or the process, if any is given, ends. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  limitMs: number,
  tokenwarden?: TokenwardenProcess,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  const log = () => tokenwarden?.log().slice(-3000);
  while (!(await holds())) {
    assert.ok(!tokenwarden?.exited, `tokenwarden ended by itself:\n${log()}`);
    assert.ok(performance.now() < deadline, `not within ${limitMs} ms: ${holds}\n${log()}`);
    await sleep(5);
  }
}

/** The middle of some figures, rounded. */
export function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);
}
