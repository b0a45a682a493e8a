import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import canonical from '../../src/normalise/formats/canonical.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';

const SMALL = ['--tokens', '13', '--days', '14', '--copies', '1', '--seed', 'cli'];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-simulate-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function simulate(...args: readonly string[]) {
  return runTokenwarden(['simulate', ...SMALL, ...args], { cwd: folder });
}

describe('simulate', () => {
  it('writes events and labels that backtest takes', async () => {
    const [events, labels] = [join(folder, 'events.jsonl.gz'), join(folder, 'labels.jsonl')];
    const made = ['leaked-ci-token', 'new-address'];
    expect(await simulate('--scenario', ...made, '--output', events, '--labels', labels)).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
    expect(parseLines(await readFile(labels, 'utf8'))).toMatchObject([
      { scenario: 'leaked-ci-token', kind: 'theft', taken: { length: 43 } },
      { scenario: 'new-address', kind: 'benign' },
    ]);
    const outcome = await runTokenwarden(['backtest', events, '--labels', labels, '--json'], { cwd: folder });
    const report = JSON.parse(outcome.out);
    expect(report.scenarios).toMatchObject([
      { scenario: 'leaked-ci-token', count: 1 },
      { scenario: 'new-address', count: 1 },
    ]);
    expect(report.eventCount).toBe(parseLines(gunzipSync(await readFile(events)).toString()).length);
  });

  it('writes what is certain beside the events, which backtest takes and a source does not', async () => {
    const [events, labels, config] = ['certain.jsonl', 'certain-labels.jsonl', 'canary.yaml'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const made = ['canary-touched', 'leaked-token-used', 'use-after-revoke'];
    await simulate('--scenario', ...made, '--output', events, '--labels', labels);
    const notices = (await readFile(events, 'utf8')).split('\n').filter((line) => line.startsWith('{"notice":'));
    expect(notices.map((line) => JSON.parse(line).notice.kind).sort()).toEqual(['leaked', 'revoked']);
    await writeFile(
      config,
      JSON.stringify({ detection: { detectors: { canary: { tables: ['public.vip_customers'] } } } }),
    );
    const given = ['backtest', events, '--labels', labels, '--json', '--config', config];
    const report = JSON.parse((await runTokenwarden(given, { cwd: folder })).out);
    // With the first event each, and nothing else.
    expect(report).toMatchObject({ thefts: { count: 3, caught: 3 }, falseAlerts: 0 });
    expect(report.labels).toMatchObject(made.map((scenario) => ({ scenario, delay: { events: 1 } })));
    for (const [i, line] of notices.entries())
      expect(canonical.open().push({ id: String(i), value: Buffer.from(line) })).toMatchObject([
        { kind: 'dead-letter' },
      ]);
  });

  it('writes the same to standard output', async () => {
    const { out } = await simulate('--scenario', 'leaked-ci-token');
    const file = join(folder, 'again.jsonl');
    await simulate('--scenario', 'leaked-ci-token', '--output', file);
    expect(await readFile(file, 'utf8')).toBe(out);
    expect(out).not.toBe('');
  });

  it('says which scenarios there are', async () => {
    const { out } = await simulate('--list');
    expect(out).toMatch(/^use-after-revoke +theft +token /m);
    expect(out).toMatch(/^slow-drain +theft +token +In the token’s own hours/m);
    expect(out).toMatch(/^holiday +benign +fleet /m);
  });

  it.each([
    [
      ['--scenario', 'slow-drian'],
      'tokenwarden: --scenario slow-drian: there is none of that name. `tokenwarden simulate --list` names them.\n',
    ],
    [['--scenario', 'slow-drain'], 'tokenwarden: --days: slow-drain takes 20 days after 9 calm ones: 14 are too few\n'],
    [['--from', 'yesterday'], 'tokenwarden: --from yesterday: write a date like 2026-01-05\n'],
  ])('refuses %s', async (args, err) => {
    expect(await simulate(...args)).toMatchObject({ code: 2, err });
  });
});
