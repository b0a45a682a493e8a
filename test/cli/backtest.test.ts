import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runTokenwarden } from '../support/run-tokenwarden.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');
const RECORDING = join(FIXTURES, 'two-weeks.jsonl.gz');

let folder: string;
let theft: { readonly role: string; readonly at: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-backtest-'));
  theft = JSON.parse(await readFile(join(FIXTURES, 'two-weeks.labels.json'), 'utf8')).theft;
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function backtest(label: object, ...args: readonly string[]) {
  const labels = join(folder, 'labels.jsonl');
  await writeFile(labels, `${JSON.stringify(label)}\n`);
  return runTokenwarden(['backtest', RECORDING, '--format', 'pgaudit', '--labels', labels, ...args], { cwd: folder });
}

function labelOf({ role, at }: typeof theft) {
  const until = new Date(Date.parse(at) + 3_600_000).toISOString();
  return { scenario: 'export', token: role, from: at, until };
}

describe('backtest', () => {
  it('judges a recorded theft', async () => {
    const { code, out, err } = await backtest(labelOf(theft), '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      thefts: { count: 1, caught: 1, recall: 1, wouldRevoke: 1 },
      falseAlerts: 0,
      budgetKept: 0,
      falseRevocations: 0,
      precision: 1,
      scenarios: [{ scenario: 'export', kind: 'theft', alerted: 1 }],
    });
    expect(report.scenarios[0].delays.median.seconds).toBeLessThan(1);
    expect(report.curve.length).toBeGreaterThan(200);
  });

  it('shows a person the same', async () => {
    const { out } = await backtest(labelOf(theft));
    expect(out).toMatch(/^thefts +1 of 1 caught \(100 %\), 1 would be revoked$/m);
    expect(out).toMatch(/^false alerts +0: 0\.0 per 1000 token-months; 1\.0 promised, 0\.00 × the budget$/m);
    expect(out).toMatch(/^export +theft +1 of 1 +1 /m);
    expect(out).toMatch(/^volume-spike +1 +0$/m);
  });

  it('says which label is wrong', async () => {
    const { code, err } = await backtest({ ...labelOf(theft), from: 'yesterday' });
    expect({ code, err }).toEqual({
      code: 2,
      err: `tokenwarden: ${join(folder, 'labels.jsonl')}, line 1: from: must be an ISO 8601 time\n`,
    });
  });

  it('leaves out a label that covers no event, and says so', async () => {
    const { code, out, err } = await backtest({ ...labelOf(theft), token: 'nobody' });
    expect(code).toBe(0);
    expect(err).toContain(
      `left out 1 label of ${join(folder, 'labels.jsonl')} without any event in ${RECORDING}: nobody from`,
    );
    expect(out).toMatch(/^thefts +0 of 0 caught/m);
  });
});
