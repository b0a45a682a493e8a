import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTokenwarden } from '../support/run-tokenwarden.ts';

/** Its example is the detector of these tests. */
const CONTRIBUTING = join(import.meta.dirname, '..', '..', 'CONTRIBUTING.md');

/** A detector is one new file, in any folder: listed, documented, configured, held to the laws and run without a change anywhere else. */
const DETECTOR = /```ts\n([\s\S]*?)```/.exec(readFileSync(CONTRIBUTING, 'utf8'))?.[1] ?? '';

let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-own-detector-'));
  await writeFile(join(folder, 'new-application.ts'), DETECTOR);
  config = join(folder, 'tokenwarden.yaml');
  await writeFile(
    config,
    `detection:\n  detectorFolders: [${folder}]\n  detectors:\n    new-application: { strangerRate: 0.9, weight: 1 }\n`,
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  return runTokenwarden(args, { cwd: tmpdir() });
}

describe('a detector of one file', () => {
  it('is listed', async () => {
    const { out } = await run('detectors', 'list', '--json', '--detectors', folder);
    expect(JSON.parse(out)).toContainEqual({
      id: 'new-application',
      title: 'Program never used before',
      status: 'experimental',
      severity: 'medium',
      dimension: 'how',
      attack: ['T1078'],
      stateBytes: expect.any(Number),
    });
  });

  it('is documented', async () => {
    const { code, out } = await run('detectors', 'show', 'new-application', '--config', config);
    expect(code).toBe(0);
    expect(out).toContain('## new-application');
    expect(out).toContain('| `strangerRate` | number | `0.7` | Share of thieves who use another program. |');
    expect(out).toContain('It cannot lead to a revocation.');
    expect(out).toContain('- fires: psql on a worker');
  });

  it('is held to the laws', async () => {
    const kept = await run('detectors', 'test', 'new-application', '--detectors', folder);
    expect(kept.out).toMatch(/ok {3}fires .* psql on a worker/);
    expect(kept.out.match(/ok {3}law:/g)?.length).toBeGreaterThan(5);
    expect(kept.code).toBe(0);
  });

  it('breaks a law where its author did', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'tokenwarden-broken-detector-'));
    const learnsNothing = DETECTOR.replace('applications.add(event.application, event.at);', '{}');
    await writeFile(join(broken, 'new-application.ts'), learnsNothing);
    const { code, out, err } = await run('detectors', 'test', 'new-application', '--detectors', broken);
    await rm(broken, { recursive: true });
    expect(code).toBe(1);
    expect(out).toContain('FAIL');
    expect(err).toMatch(/\d+ laws? (is|are) broken/);
  });

  it('is configured, its mistakes named with line and place', async () => {
    expect(await run('config', 'check', '--config', config)).toMatchObject({ code: 0 });
    const wrong = join(folder, 'wrong.yaml');
    await writeFile(wrong, (await readFile(config, 'utf8')).replace('strangerRate: 0.9', 'strangerRte: 0.9'));
    const { code, err } = await run('config', 'check', '--config', wrong);
    expect(code).not.toBe(0);
    expect(err).toContain('line 4: detection.detectors.new-application.strangerRte');
    expect(err).toContain('strangerRate');
  });

  it('runs', async () => {
    const records = Array.from({ length: 400 }, (_, hour) => ({
      time: new Date(Date.UTC(2026, 8, 7) + hour * 3_600_000).toISOString(),
      token: 'worker',
      app: hour < 399 ? 'worker/7.1' : 'psql',
      // Something else has to be odd as well for an alert.
      tables: [hour < 399 ? 'jobs' : 'users'],
      source_ip: hour < 399 ? '10.0.0.7' : '203.0.113.9',
    }));
    const file = join(folder, 'worker.jsonl');
    await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const alerts = join(folder, 'alerts.jsonl');
    const { code, err } = await run('replay', file, '--config', config, '--alerts', alerts);
    expect(err).toBe('');
    expect(code).toBe(0);
    const [alert] = (await readFile(alerts, 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(alert.detectors).toContain('new-application');
    expect(alert.explanation).toContain('was used by psql, beside 1 known program');
  });
});
