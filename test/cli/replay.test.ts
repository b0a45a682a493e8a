import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';

/** A fortnight of a real PostgreSQL's audit log, with one theft. `npm run record:pgaudit` records another. */
const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');
const RECORDING = join(FIXTURES, 'two-weeks.jsonl.gz');

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-replay-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function replay(name: string, file: string, ...args: readonly string[]) {
  const paths = { findings: join(folder, `${name}.findings.jsonl`), alerts: join(folder, `${name}.alerts.jsonl`) };
  const outcome = await runTokenwarden(
    ['replay', file, '--findings', paths.findings, '--alerts', paths.alerts, '--json', ...args],
    // No configuration that lies about is to be found.
    { cwd: folder },
  );
  expect(outcome.err).toBe('');
  expect(outcome.code).toBe(0);
  return {
    summary: JSON.parse(outcome.out),
    findings: await readFile(paths.findings, 'utf8'),
    alerts: await readFile(paths.alerts, 'utf8'),
  };
}

describe('replay of a recorded PostgreSQL', () => {
  it('finds the theft and accuses nobody else', async () => {
    const labels = JSON.parse(await readFile(join(FIXTURES, 'two-weeks.labels.json'), 'utf8'));
    const { alerts, findings, summary } = await replay('first', RECORDING, '--format', 'pgaudit');
    const found = parseLines(alerts);
    expect(found).toHaveLength(1);
    const [alert] = found;
    expect(alert).toMatchObject({
      token: labels.theft.role,
      principal: labels.theft.role,
      severity: 'critical',
      wouldRevoke: true,
      detectors: expect.arrayContaining(['new-network', 'new-table', 'volume-spike', 'off-hours']),
    });
    // The login, or the first statement, is what raises it.
    expect(Date.parse(String(alert?.['time'])) - Date.parse(labels.theft.at)).toBeLessThan(1000);
    expect(alert?.['score']).toBeGreaterThan(Number(alert?.['threshold']));
    // The last 3,000 rows follow within ten seconds of what was told, and are not told by themselves.
    for (const stolen of ['auth.users', 'hr.salaries', 'public.payment_cards', '18,071 rows', '127.66.7.0/24']) {
      expect(alert?.['explanation']).toContain(stolen);
    }
    expect(new Set(parseLines(findings).map(({ token }) => token))).toEqual(new Set([labels.theft.role]));
    expect(summary).toMatchObject({ alerts: 1, wouldRevoke: 1, deadLetters: 0 });
    expect(summary.events).toBeGreaterThan(2500);
  });

  it('is the same to the byte every time, compressed or not', async () => {
    const plain = join(folder, 'plain.jsonl');
    await writeFile(plain, gunzipSync(await readFile(RECORDING)));
    const [first, second] = await Promise.all([
      replay('compressed', RECORDING, '--format', 'pgaudit'),
      replay('plain', plain, '--format', 'pgaudit'),
    ]);
    expect(second.alerts).toBe(first.alerts);
    expect(second.findings).toBe(first.findings);
    expect(first.alerts).not.toBe('');
  });

  it('carries no literal of a statement', async () => {
    const { alerts, findings } = await replay('literals', RECORDING, '--format', 'pgaudit');
    expect(alerts + findings).not.toMatch(/someone\d+@example\.com/);
  });
});

describe('replay', () => {
  it('reads a configuration: a token that the rules pass over is not one that would be revoked', async () => {
    const config = join(folder, 'protect.yaml');
    await writeFile(config, 'response:\n  revocation:\n    protectedTokens: [support_*]\n');
    const { alerts } = await replay('protected', RECORDING, '--format', 'pgaudit', '--config', config);
    expect(parseLines(alerts)).toMatchObject([{ token: 'support_ui', wouldRevoke: false }]);
  });

  it('counts what it cannot read and says why', async () => {
    const file = join(folder, 'odd.jsonl');
    await writeFile(file, '{"time": "2026-09-07T09:00:00Z", "token": "a"}\nnot JSON\n{"token": "b"}\n');
    const { code, out, err } = await runTokenwarden(['replay', file], { cwd: folder });
    expect(code).toBe(0);
    expect(out).toContain('1 event of 1 token, 0 records ignored, 2 unreadable');
    expect(err).toContain('1 × not-json');
    expect(err).toMatch(/1 × [a-z-]+: .*time/);
  });

  it('writes the score of every event, compressed where the name says so', async () => {
    const [compressed, plain] = [join(folder, 'scores.jsonl.gz'), join(folder, 'scores.jsonl')];
    const { alerts, summary } = await replay('scores', RECORDING, '--format', 'pgaudit', '--all-scores', compressed);
    await replay('scores-plain', RECORDING, '--format', 'pgaudit', '--all-scores', plain);
    const text = gunzipSync(await readFile(compressed)).toString();
    expect(await readFile(plain, 'utf8')).toBe(text);
    const scores = parseLines(text);
    expect(scores).toHaveLength(summary.events);
    expect(new Set(scores.map(({ event }) => event)).size).toBe(summary.events);
    const [alert] = parseLines(alerts);
    const ofThief = scores.filter(
      ({ token, time }) => token === alert?.['token'] && String(time) >= String(alert?.['time']),
    );
    // An alert is told again at each bit more.
    const most = Math.max(...ofThief.map(({ score }) => Number(score)));
    expect(most).toBeGreaterThanOrEqual(Number(alert?.['score']));
    expect(most).toBeLessThan(Number(alert?.['score']) + 1);
    expect(Number(ofThief[0]?.['score'])).toBeGreaterThanOrEqual(Number(alert?.['threshold']));
  });

  it('says which file it cannot write', async () => {
    const nowhere = join(folder, 'nowhere', 'scores.jsonl');
    expect(
      await runTokenwarden(['replay', RECORDING, '--format', 'pgaudit', '--all-scores', nowhere], { cwd: folder }),
    ).toMatchObject({ code: 2, err: `tokenwarden: cannot write ${nowhere} (ENOENT)\n` });
  });

  it('writes over nothing that it reads, nor before it knows that there is something to read', async () => {
    const file = join(folder, 'precious.jsonl');
    await writeFile(file, '{"time": "2026-09-07T09:00:00Z", "token": "a"}\n');
    expect(await runTokenwarden(['replay', file, '--all-scores', file], { cwd: folder })).toMatchObject({
      code: 2,
      err: `tokenwarden: ${file} is named twice: it would be written over\n`,
    });
    expect((await runTokenwarden(['replay', 'nowhere.jsonl', '--findings', file], { cwd: folder })).code).toBe(2);
    expect(await readFile(file, 'utf8')).toContain('"token": "a"');
  });

  it('says which file is damaged', async () => {
    const file = join(folder, 'damaged.jsonl.gz');
    await writeFile(file, 'not packed');
    const { code, err } = await runTokenwarden(['replay', file], { cwd: folder });
    expect({ code, err }).toEqual({ code: 2, err: `tokenwarden: cannot read ${file}: incorrect header check\n` });
  });

  it('says what is wrong with a file that is not there, and with a format that is none', async () => {
    expect(await runTokenwarden(['replay', 'nowhere.jsonl'], { cwd: folder })).toMatchObject({
      code: 2,
      err: 'tokenwarden: cannot read nowhere.jsonl (ENOENT)\n',
    });
    const { code, err } = await runTokenwarden(['replay', 'x', '--format', 'pgadit'], { cwd: folder });
    expect(code).toBe(2);
    expect(err).toContain('Allowed choices are canonical, hoop, pgaudit');
  });

  it.each([
    [[], 'nothing to read: name a file of records, or read the archive with --from clickhouse'],
    [['x.jsonl', '--from', 'clickhouse'], 'x.jsonl and --from clickhouse are both named: leave one of them out'],
    [
      ['x.jsonl', '--since', '2026-09-07'],
      '--since and --until go with --from clickhouse: a file is read from end to end',
    ],
    [
      ['--from', 'clickhouse', '--format', 'pgaudit'],
      '--format is for files: what the archive keeps has been read already',
    ],
    [
      ['--from', 'clickhouse', '--since', '2026-09-07', '--until', '2026-09-07T00:00:00Z'],
      '--since must lie before --until',
    ],
  ])('says what to do when it is used wrongly: %j', async (args, message) => {
    expect(await runTokenwarden(['replay', ...args], { cwd: folder })).toEqual({
      code: 2,
      out: '',
      err: `tokenwarden: ${message}\n`,
    });
  });

  it('takes no time that means another one elsewhere', async () => {
    const { code, err } = await runTokenwarden(['replay', '--from', 'clickhouse', '--since', '2026-09-07T09:00'], {
      cwd: folder,
    });
    expect(code).toBe(2);
    expect(err).toContain('It must be an ISO 8601 time such as 2026-09-07T09:00:00Z, or a date.');
  });

  it.each([true, false])('shows how far it is on a terminal, and only there: %s', async (isTerminal) => {
    const [out, err]: [string[], string[]] = [[], []];
    const io: CliIo = {
      out: (text) => void out.push(text),
      err: (text) => void err.push(text),
      isTerminal,
      colours: false,
      env: {},
      interrupted: new AbortController().signal,
    };
    expect(await runCli(['replay', RECORDING, '--format', 'pgaudit', '--json'], io)).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject({ alerts: 1 });
    const clear = '\r\u001b[K';
    const drawn = err.map((text) => text.replace(clear, ''));
    if (!isTerminal) expect(drawn).toEqual([]);
    else {
      expect(drawn[0]).toMatch(/^█+░* +\d+ % {2}[\d,]+ events, [\d,]+ events\/s, [\d,]+ findings$/);
      expect(err.at(-1)).toBe(clear);
    }
  });
});
