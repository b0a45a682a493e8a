import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../ingest/collecting.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';

/** Stands in every field that an event may fill as it likes. */
const MARKER = 'zq-marker-7';
const EVENT_COUNT = 300;
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

let folder: string;
let base: string;
let watching: TokenwardenProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-operations-'));
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  const events = Array.from({ length: EVENT_COUNT }, (_, i) => ({
    time: new Date(Date.now() - 60_000 + i).toISOString(),
    token: `${MARKER}-token`,
    principal: `${MARKER}-principal`,
    statement: `select '${MARKER}' from ${MARKER}`,
    tables: [`${MARKER}.table`],
    app: `${MARKER}-app`,
    address: '192.0.2.1',
  }));
  const lines = [...events.map((event) => JSON.stringify(event)), `{"no event": "${MARKER}"}`];
  const path = join(folder, 'events.jsonl');
  await writeFile(path, `${lines.join('\n')}\n`);
  watching = await startTokenwarden(folder, {
    dataFolder: join(folder, 'data'),
    detection: { checkpointIntervalMs: 200 },
    operations: { port },
    sources: [{ name: 'app', kind: 'file', format: 'canonical', path }],
    response: {
      receivers: { screen: { kind: 'console' } },
      routes: [{ receivers: ['screen'] }],
      revokers: { gateway: { kind: 'webhook', url: 'https://gateway.example.com', secrets: [SECRET] } },
      revocation: { rules: [{ revoker: 'gateway' }] },
    },
  });
  await watching.logged('operations endpoint listens');
}, 60_000);

afterAll(async () => {
  await watching.stop();
  await rm(folder, { recursive: true, force: true });
});

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
  it('shows every record from the source to the archive, and is ready', { timeout: 60_000 }, async () => {
    await until(async () => {
      const found = await metrics();
      const archived = [...found].filter(([series]) => /archive_archived_total\{topic="events"/.test(series));
      return archived.reduce((sum, [, value]) => sum + value, 0) === EVENT_COUNT;
    }, 50_000);
    const found = await metrics();
    expect(found.get('tokenwarden_collect_taken_total')).toBe(EVENT_COUNT + 1);
    expect(found.get('tokenwarden_collect_settled_total{outcome="dead-letter"}')).toBe(1);
    expect(found.get('tokenwarden_detect_events_total')).toBe(EVENT_COUNT);
    expect(found.get('tokenwarden_decide_delay_seconds_count')).toBe(EVENT_COUNT);
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

  it('repeats nothing that an event says, and neither do the logs', async () => {
    for (const path of ['/metrics', '/status', '/readyz', '/nowhere'])
      expect((await get(path)).text, path).not.toContain(MARKER);
    expect(watching.log()).not.toContain(MARKER);
  });

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
