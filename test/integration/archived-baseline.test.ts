import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../ingest/collecting.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden } from '../support/tokenwarden-process.ts';

/** What a token did, from the archive that a watching process has filled, beside the same from its events log. */

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');

let folder: string;
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
