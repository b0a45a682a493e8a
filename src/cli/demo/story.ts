import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { styleText } from 'node:util';
import { DAY_MS, HOUR_MS } from '../../baseline/time.ts';
import { loadConfig } from '../../config/load.ts';
import { layOutText } from '../../deliver/receivers/console.ts';
import { countText, numberText } from '../../domain/words.ts';
import { openEmbeddedLog } from '../../log/embedded.ts';
import { type Application, assemble } from '../../runtime/assemble.ts';
import { systemClock } from '../../runtime/clock.ts';
import { loadDetectors } from '../../runtime/load-detectors.ts';
import { createLogger } from '../../runtime/logger.ts';
import {
  type CanonicalRecord,
  createFleet,
  dayOfFleet,
  type Fleet,
  type SimulatedToken,
} from '../../simulate/fleet.ts';
import { theftOf } from '../../simulate/theft.ts';
import { type CliIo, startProgress } from '../io.ts';
import { readLedger, situationOf } from '../ledger.ts';
import { demoConfig } from './config.ts';
import { type DemoReceiver, type Received, startDemoReceiver } from './receiver.ts';
import { judge } from './verdict.ts';

const TOKEN_COUNT = 150;
const HISTORY_DAYS = 14;
const ARRIVAL_MS_MAX = 15_000;

/** Runs the demo. @returns what went wrong, empty if all is well. */
export async function runDemo(
  io: CliIo,
  { folder, seed }: { readonly folder: string; readonly seed: string },
): Promise<readonly string[]> {
  const say = (text: string) => io.out(`${text}\n`);
  const heading = (text: string) => say(`\n${io.colours ? styleText('bold', text, { validateStream: false }) : text}`);
  const fleet = createFleet(seed, TOKEN_COUNT);
  const startedAt = systemClock.now();

  say(
    'Tokenwarden reads what databases write down about the use of their tokens, learns what is usual for each, and takes one out',
  );
  say('of use when somebody else uses it. Here everything is real but the company.');
  heading('1  Two weeks of ordinary traffic');
  say(
    `${TOKEN_COUNT} tokens of a made-up company: services, nightly jobs, BI tools, people, CI runners. Their audit events`,
  );
  say(
    'go through the real pipeline: collect, detect, respond, archive, over a log in SQLite and ClickHouse in this process.',
  );
  const history = join(folder, 'history.jsonl');
  const eventCount = await writeHistory(history, fleet, seed, startedAt);
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const receiver = await startDemoReceiver(secret);
  const key = randomBytes(16).toString('hex');
  const port = await freePort();
  const config = await loadDemo(demoConfig({ folder, history, port, key, secret, receiverUrl: receiver.url }));
  const application = await assemble(config.config, config.detectors, { logger: createLogger('warn'), write: io.out });
  try {
    await learn(io, application, eventCount, say);
    const gateway: Gateway = { url: `http://127.0.0.1:${port}`, key };

    heading('2  Live');
    const recent = await pushRecentHour(gateway, fleet, seed, startedAt);
    say(
      `The last hour’s ${numberText(recent)} honest events have been pushed to ${gateway.url}/v1/events: no alert so far.`,
    );

    heading('3  A token is stolen');
    const victim = victimOf(fleet);
    const theft = theftOf(victim, seed, systemClock.now());
    say(`"${victim.token}" of ${victim.principal} is found in a public repository and used: python-requests, another`);
    say(`network (${theft[0]?.source_ip}), first the catalogue, then whole tables.`);
    const failures = await watchTheft({ say, receiver, gateway, theft, victim });

    heading('4  The alert, as receivers get it');
    io.out(await finalAlert(folder, victim, io.colours));
    heading('5  Next');
    say('Watch your own database:       "Watch your own" in README.md');
    say('See how each detector thinks:  npm run -s tokenwarden -- detectors test');
    say('Run your history through it:   npm run -s tokenwarden -- replay events.jsonl --alerts alerts.jsonl');
    return failures;
  } finally {
    await application.stop();
    await application.done;
    await application.close();
    await receiver.close();
  }
}

/** A service that works with few tables: the kind of token that leaks. */
function victimOf(fleet: Fleet): SimulatedToken {
  return fleet.tokens.find(({ habit }) => habit === 'service') as SimulatedToken;
}

async function writeHistory(path: string, fleet: Fleet, seed: string, now: number): Promise<number> {
  const output = createWriteStream(path);
  let count = 0;
  for (let day = HISTORY_DAYS; day >= 0; day--) {
    const records = dayOfFleet(fleet, seed, Math.floor(now / DAY_MS) * DAY_MS - day * DAY_MS);
    for (const record of records) {
      if (Date.parse(record.time) >= now - HOUR_MS) break;
      output.write(`${JSON.stringify(record)}\n`);
      count += 1;
    }
  }
  await finished(output.end());
  return count;
}

function loadDemo(text: string): ReturnType<typeof loadConfig> {
  return loadDetectors().then((detectors) =>
    loadConfig({ path: '(demo)', text, env: {}, readFile: () => '', detectors, loadMore: async () => detectors }),
  );
}

/** One that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until detect has seen all of the history. */
async function learn(
  io: CliIo,
  application: Application,
  eventCount: number,
  say: (text: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const progress = startProgress(io);
  const seen = () => application.counts.detect?.events ?? 0;
  let failed: unknown;
  application.done.catch((cause: unknown) => {
    failed = cause;
  });
  while (seen() < eventCount) {
    if (failed !== undefined) throw failed;
    progress.update(() => `learning: ${Math.floor((100 * seen()) / eventCount)} % of ${numberText(eventCount)} events`);
    await systemClock.sleep(50);
  }
  progress.end();
  const seconds = (performance.now() - startedAt) / 1000;
  say(
    `${numberText(eventCount)} events learned in ${seconds.toFixed(1)} s (${numberText(Math.round(eventCount / seconds))} a second).`,
  );
}

/** Where live events are pushed to. */
interface Gateway {
  readonly url: string;
  readonly key: string;
}

async function push({ url, key }: Gateway, records: readonly CanonicalRecord[]): Promise<void> {
  const body = records.map((record) => JSON.stringify(record)).join('\n');
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' };
  const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
  if (response.status !== 202) throw new Error(`the push was answered ${response.status}: ${await response.text()}`);
}

async function pushRecentHour(gateway: Gateway, fleet: Fleet, seed: string, now: number): Promise<number> {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const records = [...dayOfFleet(fleet, seed, today - DAY_MS), ...dayOfFleet(fleet, seed, today)].filter(({ time }) => {
    const at = Date.parse(time);
    return at >= now - HOUR_MS && at < now;
  });
  if (records.length > 0) await push(gateway, records);
  return records.length;
}

interface Scene {
  readonly say: (text: string) => void;
  readonly receiver: DemoReceiver;
  readonly gateway: Gateway;
  readonly theft: readonly CanonicalRecord[];
  readonly victim: SimulatedToken;
}

/** Plays the theft in real time until the token is out of use. @returns what should have happened and did not */
async function watchTheft({ say, receiver, gateway, theft, victim }: Scene): Promise<readonly string[]> {
  const firstUseAt = systemClock.now();
  const thief = new AbortController();
  const playing = play(gateway, theft, thief.signal);
  const wait = (fits: (webhook: Received) => boolean) => receiver.waitFor(fits, ARRIVAL_MS_MAX).catch(() => undefined);
  const isStolen = ({ body }: Received) => body.token === victim.token;
  const revoked = await wait((webhook) => isStolen(webhook) && webhook.body.type === 'revoke');
  // From now on the gateway refuses the token.
  thief.abort();
  const usedCount = await playing;
  if (revoked) await wait(({ body }) => body.type === 'alert' && body.revocation?.state === 'verified');
  const { revokedAt, verifiedAt, isGenuine, honest, failures } = judge(receiver.received, victim.token);
  if (revokedAt !== undefined) {
    say(
      `The order to revoke it reaches the gateway ${revokedAt - firstUseAt} ms after the first stolen use; ${countText(usedCount, 'statement')} got through.`,
    );
  }
  if (verifiedAt !== undefined) {
    say(
      `That it is out of use is proved ${((verifiedAt - firstUseAt) / 1000).toFixed(1)} s after the first stolen use: no event of it since.`,
    );
  }
  say(
    `${receiver.received.length} webhooks were received, ${isGenuine ? 'all with a genuine signature' : 'NOT all genuine'}; honest tokens alerted on or revoked: ${honest.length} of ${TOKEN_COUNT - 1}.`,
  );
  return failures;
}

/** The thief at work: statements at their own pace, until the token stops working. @returns how many got through */
async function play(gateway: Gateway, theft: readonly CanonicalRecord[], signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const record of theft) {
    await systemClock.sleep(Math.max(0, Date.parse(record.time) - systemClock.now()), signal);
    if (signal.aborted) return count;
    await push(gateway, [record]);
    count += 1;
  }
  return count;
}

/** The stolen token's alert as it stands in the ledger, laid out for a terminal. */
async function finalAlert(folder: string, victim: SimulatedToken, colours: boolean): Promise<string> {
  const log = await openEmbeddedLog({ folder, access: 'read', clock: systemClock });
  try {
    const { alerts } = await readLedger(log);
    const entry = [...alerts.values()].find(({ alert }) => alert.token === victim.token);
    return entry ? layOutText(situationOf(entry), colours) : 'no alert is in the ledger\n';
  } finally {
    await log.close();
  }
}
