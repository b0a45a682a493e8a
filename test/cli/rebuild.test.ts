import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../ingest/collecting.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';

/** A detector that comes when tokens have been known for two weeks. */

const ROOT = join(import.meta.dirname, '..', '..');
const DETECTOR = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'))?.[1] ?? '';

let folder: string;
let before: object;
let after: object;
let watching: TokenwardenProcess;

const run = (...args: readonly string[]) => runTokenwarden([...args, '--config', join(folder, 'tokenwarden.yaml')]);
const known = async () => JSON.parse((await run('baseline', 'show', 'orders_app', '--json')).out);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-rebuild-'));
  const path = join(folder, 'postgresql.json');
  await writeFile(path, gunzipSync(await readFile(join(ROOT, 'test', 'fixtures', 'pgaudit', 'two-weeks.jsonl.gz'))));
  const own = join(folder, 'own');
  await mkdir(own);
  await writeFile(join(own, 'new-application.ts'), DETECTOR);
  const sources = [{ name: 'shop', kind: 'file', format: 'pgaudit', path }];
  const common = { dataFolder: join(folder, 'data'), clickhouse: { kind: 'off' }, sources };
  before = { ...common, detection: { checkpointIntervalMs: 200 } };
  after = { ...common, detection: { checkpointIntervalMs: 200, detectorFolders: [own] } };
  watching = await startTokenwarden(folder, before);
  await until(async () => (await run('alerts', 'list', '--json')).out !== '', 60_000);
  expect(await watching.stop()).toBe(0);
}, 120_000);

afterAll(async () => {
  await watching.stop();
  await rm(folder, { recursive: true });
});

it('has a new detector learn a token’s past, and takes nothing of what others know', async () => {
  const old = await known();
  await writeFile(join(folder, 'tokenwarden.yaml'), JSON.stringify(after));
  // Nobody detects with it yet, and who does could not read what it says.
  expect(await run('baseline', 'rebuild', 'orders_app')).toMatchObject({
    code: 1,
    err: expect.stringContaining('start that with the same release and configuration first'),
  });
  watching = await startTokenwarden(folder, after);
  await watching.logged('watching');
  const rebuilt = await run('baseline', 'rebuild', 'orders_app');
  expect(rebuilt).toMatchObject({ code: 0, err: expect.stringContaining('is learned by new-application;') });
  expect(rebuilt.out).toMatch(/new-application +applications known +\+/);
  await until(async () => (await known()).rolledBack.at > 0, 20_000);
  const { facts, suspicions } = await known();
  const isNew = ({ detector }: { detector: string | null }) => detector === 'new-application';
  const isOld = ({ detector }: { detector: string | null }) => !isNew({ detector });
  expect(facts.filter(isOld)).toEqual(old.facts);
  expect(suspicions.filter(isOld)).toEqual(old.suspicions);
  const [, second] = suspicions;
  expect(suspicions.find(isNew)).toEqual({ ...second, detector: 'new-application', sum: 0 });
  const what = 'applications known';
  expect(facts.filter(isNew)).toContainEqual({ detector: 'new-application', what, value: [expect.any(String)] });
  expect(await run('baseline', 'rebuild', 'orders_app')).toMatchObject({
    code: 0,
    out: '',
    err: expect.stringContaining('every detector knows as many days'),
  });
}, 60_000);
