import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { createProgram, runCli } from '../../src/cli/program.ts';
import { until } from '../ingest/collecting.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';
import { startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';

/** A watching process, and a person at another terminal who looks and decides. */

const RECORDING = join(import.meta.dirname, '..', 'fixtures', 'pgaudit', 'two-weeks.jsonl.gz');
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
const BAD = [
  'this is no JSON',
  '{"timestamp": "2026-09-20 03:13:00 UTC", "user": "alice", "message": "AUDIT: SESSION,1", "error_severity": "LOG"}',
];

let folder: string;
let receiver: HttpReceiver;
let watching: TokenwardenProcess;
let config: object;
let beforeTheft: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-operate-'));
  receiver = await startHttpReceiver();
  const path = join(folder, 'postgresql.json');
  await writeFile(path, `${gunzipSync(await readFile(RECORDING)).toString()}${BAD.join('\n')}\n`);
  const webhook = {
    kind: 'webhook',
    url: receiver.url,
    secrets: [SECRET],
    allowInsecure: true,
    allowPrivateAddresses: true,
  };
  const { theft } = JSON.parse(await readFile(RECORDING.replace('.jsonl.gz', '.labels.json'), 'utf8'));
  beforeTheft = new Date(Date.parse(theft.at) - 1).toISOString();
  config = {
    dataFolder: join(folder, 'data'),
    clickhouse: { kind: 'off' },
    detection: { checkpointIntervalMs: 200 },
    sources: [{ name: 'shop', kind: 'file', format: 'pgaudit', path }],
    response: {
      receivers: {},
      revokers: { gateway: { ...webhook, reversible: true } },
      revocation: { rules: [{ revoker: 'gateway' }] },
    },
  };
  watching = await startTokenwarden(folder, config);
  await watching.logged('watching');
  await until(
    async () => (await json('alerts', 'list')).length === 1 && (await json('dead-letters', 'list')).length === 2,
    30_000,
  );
}, 60_000);

afterAll(async () => {
  await watching.stop();
  await receiver.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]) => runTokenwarden([...args, '--config', join(folder, 'tokenwarden.yaml')]);

/** What a command prints with `--json`, a value a line. */
async function json(...args: readonly string[]) {
  const { code, out, err } = await run(...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return parseLines(out);
}

describe('alerts', () => {
  it('are listed in a table and as JSON', async () => {
    const [entry] = await json('alerts', 'list');
    expect(entry).toMatchObject({
      alert: { token: 'support_ui', severity: 'critical' },
      revocation: { state: 'shadow' },
    });
    const { out } = await run('alerts', 'list');
    expect(out).toMatch(/^ID +OPENED +SEVERITY +SCORE +TOKEN +DETECTORS +REVOCATION +PART OF +VERDICT\nalr_/);
    expect(out).toContain('shadow (observe-mode)');
    expect((await run('alerts', 'list', '--token', 'alice')).err).toBe('no alerts\n');
  });

  it('are shown with their evidence, and without colours where nobody looks', async () => {
    const [{ alert }] = await json('alerts', 'list');
    const { out } = await run('alerts', 'show', alert.id);
    for (const text of ['127.66.7.0/24', 'What to do', 'Observe mode', 'WHY']) expect(out).toContain(text);
    expect(out).not.toContain('\u001b');
    expect(await run('alerts', 'show', 'alr_nobody')).toMatchObject({
      code: 1,
      err: 'tokenwarden: no alert has the id "alr_nobody": see "tokenwarden alerts list"\n',
    });
  });

  it('are shown beside what the token usually does, and without where there is no archive', async () => {
    const [{ alert }] = await json('alerts', 'list');
    const { out } = await run('alerts', 'show', alert.id, '--from', 'log');
    expect(out).toMatch(
      /^Of what the token did until six hours before the alert \([\d,]+ events in the events log since 2026-09-07\), this comes nearest:\nSEEN +WHAT +ROWS +DATABASE +FROM +BY +LAST AT \(UTC\) +DIFFERS IN\nin this alert +.* 127\.66\.7\.\d+ .*\n[\d,]+ times .*network.*\n/m,
    );
    expect(await run('alerts', 'show', alert.id)).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining(
        'What the token usually does is not shown: the configuration has no archive (clickhouse: {kind: off}): name one in the configuration (--config), or read the events log (--from log)\n',
      ),
    });
  });
});

describe('baseline', () => {
  it('show says what is usual for a token, with its names, and how suspicious it is', async () => {
    // Baselines are written every now and then.
    await until(async () => (await run('baseline', 'show', 'support_ui')).code === 0, 20_000);
    const { out } = await run('baseline', 'show', 'support_ui');
    expect(out).toMatch(/first seen +2026-09-07T/);
    expect(out).toMatch(/new-network +prefixes known +127\.10\./);
    expect(out).toMatch(/volume-spike +rows in a minute +about [\d,]+, seldom above about [\d,]+\n/);
    expect(out).toMatch(/off-hours +hours UTC +Mon/);
    expect(out).toMatch(/\nnew-network +\d+\.\d\n/);
    expect(out).not.toContain('not found');
    expect((await run('baseline', 'show', 'support_ui', '--no-names')).out).toMatch(/prefixes known +#[0-9a-f]{8}/);
    expect(await run('baseline', 'show', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no events of a token named "nobody"'),
    });
  }, 30_000);

  it('diff says what the theft has taught, and nothing where nothing has come', async () => {
    const { out } = await run('baseline', 'diff', 'support_ui', '--since', beforeTheft);
    expect(out).toMatch(/^DETECTOR +WHAT +BEFORE → NOW\n/);
    expect(out).toMatch(/prefixes fresh, not known yet +\+127\.66\.7\.0\/24\n/);
    expect(out).not.toContain('databases known');
    const [{ changes }] = [
      JSON.parse((await run('baseline', 'diff', 'support_ui', '--since', beforeTheft, '--json')).out),
    ];
    const what = 'prefixes fresh, not known yet';
    expect(changes).toContainEqual({ detector: 'new-network', what, before: [], now: ['127.66.7.0/24'] });
    const now = new Date().toISOString();
    expect((await run('baseline', 'diff', 'support_ui', '--since', now)).out).toBe('nothing differs\n');
  }, 30_000);

  it.each([
    [['rollback', 'nobody', '--to', '2026-09-19'], 1, 'no events of a token named "nobody"'],
    [['rollback', 'support_ui', '--to', '2001-01-01'], 1, 'was first seen at 2026-09-07T'],
    [['rollback', 'support_ui', '--to', '2999-01-01'], 2, '--to must not lie in the future'],
    [['rollback', 'support_ui', '--to', 'monday'], 2, 'It must be an ISO 8601 time'],
    [['rollback', 'support_ui'], 2, "required option '--to <time>' not specified"],
    [['diff', 'support_ui'], 2, "required option '--since <time>' not specified"],
    [['diff', 'support_ui', '--since', '2026-09-19', '--from', 'clickhouse'], 2, 'the configuration has no archive'],
    [['rebuild', 'support_ui', '--detector', 'nothing'], 2, '--detector nothing: there is none of that name'],
  ])('%j is used wrongly, and changes nothing', async (args, code, message) => {
    expect(await run('baseline', ...args)).toMatchObject({ code, out: '', err: expect.stringContaining(message) });
  });
});

describe('revoke', () => {
  it('does what was only shadowed, undoes it, and refuses what makes no sense', async () => {
    const [{ alert }] = await json('alerts', 'list');
    const state = async () => (await json('alerts', 'list'))[0].revocation.state;
    expect(await run('revoke', alert.id, '--undo')).toMatchObject({
      code: 1,
      err: expect.stringContaining('not revoked'),
    });
    expect(receiver.requests).toEqual([]);
    expect(await run('revoke', alert.id)).toMatchObject({
      code: 0,
      err: expect.stringContaining('asked for revoking'),
    });
    await until(async () => (await state()) === 'verified', 20_000);
    expect(JSON.parse(receiver.requests[0]?.body ?? '')).toMatchObject({ type: 'revoke', token: 'support_ui' });
    expect((await run('revoke', alert.id)).err).toContain('revoked already (verified)');
    expect((await run('revoke', alert.id, '--undo')).code).toBe(0);
    await until(async () => (await state()) === 'undone', 20_000);
    expect(receiver.requests.map(({ body }) => JSON.parse(body).type)).toContain('undo');
  }, 60_000);
});

describe('verdict', () => {
  it('answers an alert: the ledger says who, when and why, and the token’s evidence is set back', async () => {
    const [{ alert }] = await json('alerts', 'list');
    const sums = async () => {
      const { suspicions } = JSON.parse((await run('baseline', 'show', 'support_ui', '--json')).out);
      return (suspicions as { sum: number }[]).map(({ sum }) => sum);
    };
    expect(Math.max(...(await sums()))).toBeGreaterThan(1);
    expect(await run('verdict', alert.id, 'noise', '--for', '12h')).toMatchObject({
      code: 0,
      err: expect.stringContaining('are not told and revoke nothing until'),
    });
    const said = await run('verdict', alert.id, 'expected', '--reason', 'release 12\u202e');
    expect(said).toMatchObject({ code: 0, err: expect.stringContaining('it was the owner') });
    const verdicts = async () => (await json('alerts', 'list'))[0].verdicts ?? [];
    await until(async () => (await verdicts()).length === 2, 20_000);
    const [noise, expected] = await verdicts();
    expect(noise).toMatchObject({ kind: 'noise', by: userInfo().username, until: noise.at + 43_200_000 });
    expect(expected).toMatchObject({ kind: 'expected', why: 'release 12\u202e', until: expected.at + 86_400_000 });
    await until(async () => Math.max(...(await sums())) === 0, 20_000);
    const { out } = await run('alerts', 'show', alert.id);
    expect(out).toMatch(/^Answered noise by .*\nAnswered expected by .* holds until .*: release 12\\u\{202e\}$/m);
    expect((await run('alerts', 'list')).out).toMatch(/expected$/m);
    expect((await run('status')).out).toContain(`${BAD.length} dead letters are kept`);
  }, 60_000);

  it.each([
    [['alr_nobody', 'noise'], 1, 'no alert has the id "alr_nobody": see "tokenwarden alerts list"'],
    [['alr_nobody', 'nonsense'], 2, 'Allowed choices are expected, noise, true-positive'],
    [['alr_nobody', 'noise', '--for', '7 days'], 2, 'It must be a time such as 90m, 12h or 7d, at most 90d'],
    [['alr_nobody', 'noise', '--for', '91d'], 2, 'at most 90d'],
    [['alr_nobody', 'noise', '--for', '0d'], 2, 'It must be a time'],
    [['alr_nobody', 'true-positive', '--for', '1d'], 2, 'it takes no --for'],
    [['alr_nobody', 'noise', '--reason', 'x'.repeat(501)], 2, 'at most 500 characters'],
    [['alr_nobody'], 2, "missing required argument 'verdict'"],
  ])('%j is answered wrongly', async (args, code, message) => {
    expect(await run('verdict', ...args)).toMatchObject({ code, out: '', err: expect.stringContaining(message) });
  });
});

describe('baseline rollback', () => {
  it('takes back what a thief has taught, though the process that detects is killed before and after it takes it', async () => {
    await watching.kill();
    const { code, out, err } = await run('baseline', 'rollback', 'support_ui', '--to', beforeTheft);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('is forgotten') });
    expect(out).toMatch(/−127\.66\.7\.0\/24/);
    const state = async () => JSON.parse((await run('baseline', 'show', 'support_ui', '--json')).out);
    const robbed = await state();
    watching = await startTokenwarden(folder, config);
    await watching.logged('a person had a baseline put back');
    await watching.kill();
    watching = await startTokenwarden(folder, config);
    await until(async () => (await state()).rolledBack.at > 0, 20_000);
    const { eventCount, firstSeenAt, lastSeenAt } = robbed;
    expect(await state()).toMatchObject({ eventCount, firstSeenAt, lastSeenAt });
    const { facts } = await state();
    expect(facts).not.toEqual(robbed.facts);
    expect(JSON.stringify(facts)).not.toContain('127.66.7.0/24');
    // Once more it would change nothing.
    expect(await run('baseline', 'rollback', 'support_ui', '--to', beforeTheft)).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining('nothing was changed'),
    });
    expect(await run('baseline', 'rebuild', 'support_ui')).toMatchObject({ code: 0, out: '' });
    expect((await json('dead-letters', 'list')).length).toBe(BAD.length);
  }, 60_000);
});

describe('leaked', () => {
  const token = 'billing_export';
  let lines = 100;
  /** The token is used, so much later than now by the database's clock. */
  const use = (afterMs = 0) => {
    const time = `${new Date(Date.now() + afterMs).toISOString().slice(0, 23).replace('T', ' ')} UTC`;
    const message = 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select * from orders,<not logged>,1';
    const session = { user: token, dbname: 'shop', remote_host: '198.51.100.7', session_id: '6a9df071.beef' };
    const line = { timestamp: time, ...session, line_num: ++lines, error_severity: 'LOG', message };
    return appendFile(join(folder, 'postgresql.json'), `${JSON.stringify(line)}\n`);
  };
  const alerts = () => json('alerts', 'list', '--token', token);

  it('has the first use ever told, however little is known; revoked and used again, that is told too; withdrawn, nothing', async () => {
    expect(await run('leaked', token, '--reason', 'bounty 7\u202e')).toMatchObject({
      code: 0,
      err: expect.stringContaining('"billing_export" has leaked: its next use after'),
    });
    await until(async () => (await run('baseline', 'show', token)).out.includes('leak'), 20_000);
    expect(await run('leaked', token)).toMatchObject({ code: 1, err: expect.stringContaining('reported already') });
    await use(1000);
    await until(async () => (await alerts()).length === 1, 20_000);
    const [{ alert, revocation }] = await alerts();
    expect(alert).toMatchObject({ severity: 'critical', worst: { findings: [{ detector: 'leaked-report' }] } });
    expect(revocation).toMatchObject({ state: 'shadow', reason: { code: 'observe-mode' } });
    expect((await run('alerts', 'show', alert.id)).out).toMatch(
      /^Leak of the token: reported at .*: bounty 7\\u\{202e\}$/m,
    );

    expect((await run('revoke', alert.id)).code).toBe(0);
    await until(async () => (await alerts())[0].revocation.state === 'verified', 20_000);
    await use(100_000);
    await until(async () => (await alerts())[0].revocation.state === 'ineffective', 20_000);
    const refuted = (await alerts())[0];
    expect(refuted.alert.latest.findings.map(({ detector }: { detector: string }) => detector)).toContain(
      'use-after-revoke',
    );

    expect((await run('leaked', token, '--withdraw')).err).toContain('has not leaked, or is another credential');
    await until(async () => (await run('baseline', 'show', token)).out.includes('leak of it: withdrawn at'), 20_000);
    expect((await run('leaked', token, '--withdraw')).err).toContain('it was not reported leaked');
  }, 90_000);

  it('takes a credential for its fingerprint, and neither keeps nor shows it', async () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const { code, err } = await run('leaked', secret);
    expect(code).toBe(0);
    expect(err).toMatch(/^"fp:[0-9a-f]{32}" has leaked/);
    expect(err).not.toContain(secret);
  });

  it.each([
    [['x', '--reason', 'x'.repeat(501)], 'at most 500 characters'],
    [[''], "a token's id has 1 to 512 characters"],
    [[], "missing required argument 'token'"],
  ])('%j is no report', async (args, message) => {
    expect(await run('leaked', ...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) });
  });
});

describe('dead-letters', () => {
  it('are listed with the reason, shown with the record, and stay what they are when read again', async () => {
    const letters = await json('dead-letters', 'list');
    expect(letters.map(({ code }) => code).sort()).toEqual(['not-json', 'wrong-shape']);
    const broken = letters.find(({ code }) => code === 'not-json');
    expect((await run('dead-letters', 'show', broken.id)).out).toContain('this is no JSON');
    expect((await run('dead-letters', 'list', '--source', 'other')).err).toBe('no dead letters\n');
    const { out } = await run('dead-letters', 'redrive', broken.id);
    expect(out).toContain('0 became events, 0 are no accesses, 1 still cannot be read');
    expect((await run('dead-letters', 'redrive', 'nothing')).code).toBe(1);
  }, 30_000);
});

describe('the program', () => {
  /** Its standard output. */
  let out = '';
  const io: CliIo = {
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    isTerminal: false,
    colours: false,
    env: {},
    interrupted: new AbortController().signal,
  };
  const commands = createProgram(io).commands.flatMap((command) => [
    command.name(),
    ...command.commands.map((child) => `${command.name()} ${child.name()}`),
  ]);

  it.each(commands)('%s explains itself', async (command) => {
    out = '';
    expect(await runCli([...command.split(' '), '--help'], io)).toBe(0);
    expect(out).toMatch(/^Usage: tokenwarden [\s\S]*Options:/);
  });

  it.each([
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['alerts', 'list', '--limit', 'many'], /whole number from 1/],
    [['run', '--config', 'nowhere.yaml'], /cannot read nowhere\.yaml \(ENOENT\)/],
    [['alerts', 'show'], /missing required argument/],
    [['backtest'], /required option '--labels <file>' not specified/],
  ])('%j is used wrongly', async (args, expected) => {
    const { code, err, out } = await runTokenwarden(args);
    expect(code).toBe(2);
    expect(err).toMatch(expected);
    expect(out).toBe('');
  });

  it('ends quietly when whoever reads it has enough', async () => {
    const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
    const child = spawn('sh', ['-c', `"${process.execPath}" "${main}" generate --days 3 | head -n 1`]);
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(JSON.parse(out)).toMatchObject({ token: expect.any(String) });
    expect(err).toBe('');
  });
});
