import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { until } from '../ingest/collecting.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden } from '../support/tokenwarden-process.ts';

/** What a token did, from the archive that a watching process has filled, beside the same from its events log. */

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');

let folder: string;
/** Of the theft, as shown while the watching process had the archive. */
let shownMeanwhile: Awaited<ReturnType<typeof run>>;
let alertId: string;
let beforeTheft: string;
let config: object;

const run = (...args: readonly string[]) => runTokenwarden([...args, '--config', join(folder, 'tokenwarden.yaml')]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-archived-baseline-'));
  const path = join(folder, 'postgresql.json');
  await writeFile(path, gunzipSync(await readFile(join(FIXTURES, 'two-weeks.jsonl.gz'))));
  const { theft } = JSON.parse(await readFile(join(FIXTURES, 'two-weeks.labels.json'), 'utf8'));
  beforeTheft = new Date(Date.parse(theft.at) - 1).toISOString();
  const sources = [{ name: 'shop', kind: 'file', format: 'pgaudit', path }];
  config = { dataFolder: join(folder, 'data'), detection: { checkpointIntervalMs: 200 }, sources };
  const watching = await startTokenwarden(folder, config);
  const alerts = async () => parseLines((await run('alerts', 'list', '--json')).out);
  await until(async () => (await alerts()).length === 1, 60_000);
  const [{ alert }] = await alerts();
  alertId = alert.id;
  shownMeanwhile = await run('alerts', 'show', alertId, '--json');
  await run('verdict', alert.id, 'true-positive');
  await until(async () => (await alerts())[0].verdicts?.length === 1, 20_000);
  // It makes the last of it durable, here and in the archive.
  expect(await watching.stop()).toBe(0);
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

it('is told and compared as from the events log, with the verdicts of people', async () => {
  const show = (from: string) => run('baseline', 'show', 'support_ui', '--from', from);
  expect(await show('clickhouse')).toEqual(await show('log'));
  const now = new Date().toISOString();
  const diff = (from: string, since: string) => run('baseline', 'diff', 'support_ui', '--since', since, '--from', from);
  for (const since of ['2026-09-14', beforeTheft, now]) {
    const ofLog = await diff('log', since);
    expect(ofLog.code).toBe(0);
    expect(await diff('clickhouse', since)).toEqual(ofLog);
  }
}, 60_000);

it('is put back, and from then on the archive does not do for what was taken back', async () => {
  const rollback = await run('baseline', 'rollback', 'support_ui', '--to', beforeTheft, '--from', 'clickhouse');
  expect(rollback).toMatchObject({ code: 0, err: expect.stringContaining('is forgotten') });
  const watching = await startTokenwarden(folder, config);
  await watching.logged('a person had a baseline put back');
  expect(await watching.stop()).toBe(0);
  const diff = (since: string, from: string) => run('baseline', 'diff', 'support_ui', '--since', since, '--from', from);
  expect(await diff(new Date().toISOString(), 'clickhouse')).toMatchObject({
    code: 1,
    err: expect.stringContaining('the archive does not keep what that took back'),
  });
  expect((await diff(beforeTheft, 'clickhouse')).out).toBe((await diff(beforeTheft, 'log')).out);
  expect((await diff(new Date().toISOString(), 'log')).out).toBe('nothing differs\n');
}, 60_000);

it('is left to a command that reads it for a moment by a process that starts', async () => {
  const reading = await openClickHouse({ folder: join(folder, 'data', 'clickhouse') });
  const watching = await startTokenwarden(folder, config);
  await watching.logged('Cannot lock file');
  await reading.close();
  await watching.logged('watching');
  expect(await watching.stop()).toBe(0);
}, 60_000);

describe('what comes nearest to an alert', () => {
  const nearest = ({ out }: typeof shownMeanwhile) => JSON.parse(out).nearest;

  it('is from the archive what it is from the events log', async () => {
    const ofArchive = await run('alerts', 'show', alertId, '--json');
    const ofLog = await run('alerts', 'show', alertId, '--json', '--from', 'log');
    expect(nearest(ofArchive)).toMatchObject({
      from: 'clickhouse',
      event: { network: '127.66.7.0/24' },
      uses: [{ differences: { network: 1 } }, {}, {}],
    });
    expect(nearest(ofArchive)).toEqual({ ...nearest(ofLog), from: 'clickhouse' });
  });

  it('is from the events log while another process has the archive', () => {
    expect(shownMeanwhile).toMatchObject({ code: 0, err: '' });
    expect(nearest(shownMeanwhile)).toMatchObject({ from: 'log', uses: [{}, {}, {}] });
  });

  it('is not shown where the archive does not answer, and the alert is', async () => {
    const away = join(folder, 'away.yaml');
    const clickhouse = { kind: 'server', url: 'http://127.0.0.1:1' };
    await writeFile(away, JSON.stringify({ dataFolder: join(folder, 'data'), clickhouse }));
    const { code, out } = await runTokenwarden(['alerts', 'show', alertId, '--config', away]);
    expect(code).toBe(0);
    expect(out).toContain('What to do');
    expect(out).toMatch(/^What the token usually does is not shown: ClickHouse at http:.* See that it runs/m);
  });

  it('is not shown where the archive does not have what raised it', async () => {
    const empty = join(folder, 'data', 'clickhouse');
    await rename(empty, `${empty}.aside`);
    try {
      const store = await openClickHouse({ folder: empty });
      await migrate(store, { events: 1, tokenHours: 1, findings: 1, alerts: 1 });
      await store.close();
      const { out } = await run('alerts', 'show', alertId);
      expect(out).toMatch(/^What the token usually does is not shown: the archive does not have .*, which raised it/m);
    } finally {
      await rm(empty, { recursive: true });
      await rename(`${empty}.aside`, empty);
    }
  });
});
