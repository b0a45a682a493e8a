import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/baseline/time.ts';
import { createFleet, dayOfFleet } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { until } from '../ingest/collecting.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';

/** Stands in every field that an event may fill as it likes. */
const MARKER = 'zq-marker-7';
const DAYS = 10;
const REFUSED = 'tokenwarden_action_outcomes_total{kind="revoke",target="gateway",state="refused"}';
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

let folder: string;
let eventCount: number;
let base: string;
let watching: TokenwardenProcess;
let gateway: HttpReceiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-operations-'));
  gateway = await startHttpReceiver();
  // It says again what it was told.
  gateway.always(({ body }) => ({ status: 400, body }));
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  const lines = [...marked().map((event) => JSON.stringify(event)), `{"no event": "${MARKER}"}`];
  eventCount = lines.length - 1;
  const path = join(folder, 'events.jsonl');
  await writeFile(path, `${lines.join('\n')}\n`);
  watching = await startTokenwarden(folder, {
    dataFolder: join(folder, 'data'),
    mode: 'enforce',
    detection: { checkpointIntervalMs: 200 },
    operations: { port },
    sources: [{ name: 'app', kind: 'file', format: 'canonical', path }],
    response: {
      receivers: { screen: { kind: 'console' } },
      routes: [{ receivers: ['screen'] }],
      revokers: {
        gateway: {
          kind: 'webhook',
          url: gateway.url,
          secrets: [SECRET],
          allowInsecure: true,
          allowPrivateAddresses: true,
        },
      },
      revocation: { rules: [{ revoker: 'gateway' }] },
    },
  });
  await watching.logged('operations endpoint listens');
}, 60_000);

afterAll(async () => {
  await watching.stop();
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

/** Ten days of a fleet, and the theft of one of its tokens. */
function marked(): readonly object[] {
  const start = Date.UTC(2026, 8, 7);
  const fleet = createFleet(MARKER, 60);
  const victim = fleet.tokens.find(({ habit }) => habit === 'service');
  if (victim === undefined) throw new Error('no token to steal');
  const days = Array.from({ length: DAYS }, (_, day) => dayOfFleet(fleet, MARKER, start + day * DAY_MS));
  return [...days.flat(), ...theftOf(victim, MARKER, start + DAYS * DAY_MS)].map((record) => ({
    ...record,
    token: `${MARKER}-${record.token}`,
    principal: `${MARKER}-principal`,
    app: `${MARKER}-app`,
    statement: `select '${MARKER}' from ${MARKER}`,
  }));
}

const get = async (path: string) => {
  const answer = await fetch(base + path);
  return { code: answer.status, text: await answer.text() };
};

/** Metrics by series. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { text } = await get('/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, series = '', value] = /^([a-z0-9_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      expect(series, line).not.toBe('');
      return [series, Number(value)];
    }),
  );
}

describe('the operations endpoint', () => {
  it('shows every record from the source to the archive, and is ready', { timeout: 120_000 }, async () => {
    await until(async () => {
      const found = await metrics();
      const archived = [...found].filter(([series]) => /archive_archived_total\{topic="events"/.test(series));
      return archived.reduce((sum, [, value]) => sum + value, 0) === eventCount;
    }, 100_000);
    const found = await metrics();
    expect(found.get('tokenwarden_collect_taken_total')).toBe(eventCount + 1);
    expect(found.get('tokenwarden_collect_settled_total{outcome="dead-letter"}')).toBe(1);
    expect(found.get('tokenwarden_detect_events_total')).toBe(eventCount);
    expect(found.get('tokenwarden_decide_delay_seconds_count')).toBe(eventCount);
    const rests = [...found].filter(([series]) => series.startsWith('tokenwarden_conservation_rest_records'));
    expect(rests.length).toBeGreaterThan(1);
    expect(rests.map(([, value]) => value)).toEqual(rests.map(() => 0));
    expect(await get('/healthz')).toMatchObject({ code: 200, text: '{"alive":true}' });
    expect(await get('/readyz')).toMatchObject({ code: 200, text: '{"ready":true,"obstacles":[]}' });
  });

  it('has what alerts and documentation name, with the labels and values they look for', async () => {
    const { text } = await get('/metrics');
    const files = ['deploy/prometheus-alerts.yaml', 'docs/operations.md'].map((path) => readFileSync(path, 'utf8'));
    for (const [name] of files.join('\n').matchAll(/\b(?:tokenwarden|process)_[a-z0-9_]+[a-z0-9]/g)) {
      const family = name.replace(/_(bucket|sum|count)$/, '');
      expect(text, name).toMatch(new RegExp(`^# TYPE ${family} `, 'm'));
    }
    // Actions have a series when there are some: `test/runtime/observe.test.ts`.
    const selectors = [...(files[0] ?? '').matchAll(/(tokenwarden_(?!oldest_)[a-z0-9_]+)\{([^}]*)\}/g)];
    expect(selectors.length).toBeGreaterThan(5);
    for (const [whole, name, labels = ''] of selectors) {
      const series = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      for (const [, label, operator, value = ''] of labels.matchAll(/(\w+)(=|=~|!~)"([^"]*)"/g)) {
        const wanted = operator === '!~' ? '[^"]+' : `(${value})`;
        expect(
          series.filter((line) => new RegExp(`[{,]${label}="${wanted}"`).test(line)).length,
          whole,
        ).toBeGreaterThan(0);
      }
    }
    expect(text).not.toContain(SECRET);
  });

  it('repeats nothing that an event says, not even of a theft that it tried to end, and neither do the logs', async () => {
    await until(async () => (await metrics()).get(REFUSED) === 1, 30_000);
    for (const path of ['/metrics', '/status', '/readyz', '/nowhere'])
      expect((await get(path)).text, path).not.toContain(MARKER);
    expect(watching.log()).not.toContain(MARKER);
  }, 40_000);

  it('is what the status command asks, beside the logs', async () => {
    const config = ['--config', join(folder, 'tokenwarden.yaml')];
    const { code, out } = await runTokenwarden(['status', ...config]);
    expect(out).toMatch(/^READER +LOG +COMMITTED +END +BEHIND +OLDEST\ndetect +events\/0/);
    expect(out).toContain('0 records are not accounted for');
    expect(code).toBe(0);
    const json = JSON.parse((await runTokenwarden(['status', '--json', ...config])).out);
    expect(json).toMatchObject({ wrong: [], process: { alive: true } });
  }, 30_000);

  it('ends with the process, and then the status command says that nobody answers', async () => {
    await watching.stop();
    const { code, out } = await runTokenwarden(['status', '--config', join(folder, 'tokenwarden.yaml')]);
    expect(out).toContain('! no process answers at http');
    expect(code).toBe(1);
  }, 30_000);
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
