import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Responder } from '../../src/decide/responder.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { ledgerEntries, ledgerRecord, termRecord } from '../../src/pipeline/ledger.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { samplePolicy } from '../decide/policy.ts';
import { AT, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { newFolder, open } from '../log/embedded-folder.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';

/** What a person does about an alert that leads others: a ledger as a responder leaves it, and the commands. */

let folder: Awaited<ReturnType<typeof newFolder>>;
let ids: readonly string[];

beforeAll(async () => {
  folder = await newFolder();
  const responder = new Responder(samplePolicy());
  const decided = ['a', 'b', 'c', 'd'].flatMap((token, i) => {
    const names = ['shop.*'];
    const row = { what: 'tables not used before', observed: names, expected: '', sampleSize: 9, newNames: names };
    const finding = sampleFinding({ detector: 'new-table', contribution: 17, scoreWithout: 3, evidence: [row] });
    const assessment = sampleAssessment({ token, episode: token, score: 20, findings: [finding], at: AT + i });
    return responder.onAssessment(assessment, i, AT + i) ?? [];
  });
  ids = decided.map(({ alert }) => alert.alert.id);
  const log = await open({ folder: join(folder.path, 'data'), access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 7 }));
  const entries = decided.flatMap(ledgerEntries).map((entry) => ledgerRecord(entry, 'x'));
  await log.append(TOPICS.ledger, [termRecord(1, 'x'), ...entries]);
  await log.close();
  const rules = [{ revoker: 'gateway' }];
  const gateway = {
    kind: 'webhook',
    url: 'https://gateway.example.com/revoke',
    secrets: [`whsec_${btoa('s'.repeat(24))}`],
  };
  const response = { revokers: { gateway }, revocation: { rules } };
  const config = { dataFolder: join(folder.path, 'data'), clickhouse: { kind: 'off' }, response };
  await writeFile(join(folder.path, 'tokenwarden.yaml'), JSON.stringify(config));
}, 30_000);

afterAll(() => folder.remove());

const run = (...args: readonly string[]) =>
  runTokenwarden([...args, '--config', join(folder.path, 'tokenwarden.yaml')]);

/** What people have asked for so far, and of which alerts. */
async function requests(): Promise<readonly (readonly [kind: string, about: string])[]> {
  const log = await open({ folder: join(folder.path, 'data'), access: 'append' });
  const found: (readonly [string, string])[] = [];
  for await (const batch of log.read(TOPICS.findings, 0))
    for (const { value } of batch) {
      const record = decodeFindingsRecord(value as Buffer);
      if (record.kind !== 'request') continue;
      const { request } = record;
      if (request.kind === 'verdict') found.push([request.verdict, request.about]);
      else if (request.kind !== 'leaked') found.push([request.kind, request.alertId]);
    }
  await log.close();
  return found;
}

it('an alert that leads others is listed with them, and says so', async () => {
  const [leader = '', second = ''] = ids;
  const { out } = await run('alerts', 'list', '--part-of', leader);
  expect(out).toContain('leads 4 tokens');
  expect(out.split('\n').filter((line) => line.includes('alr_'))).toHaveLength(3);
  // It was told by itself, before there were enough.
  expect(out).not.toContain(second);
  expect((await run('alerts', 'show', leader)).out).toContain(
    '4 tokens since 2026-09-07 02:14:03.120 UTC have the same',
  );
  const { out: member } = await run('alerts', 'show', ids[3] ?? '');
  expect(member).toContain(`alert ${leader} tells of them all`);
  expect(member).toContain(`Not told to anybody, and revokes nothing: 4 tokens share what is new`);
});

it('is answered, and revoked, with those that it leads', async () => {
  const [leader = '', , third, fourth] = ids;
  const led = [leader, third, fourth].toSorted();
  const of = async (kind: string) =>
    (await requests())
      .filter(([each]) => each === kind)
      .map(([, id]) => id)
      .sort();
  expect((await run('verdict', leader, 'expected', '--members')).code).toBe(0);
  expect(await of('expected')).toEqual(led);
  expect((await run('revoke', leader, '--members')).code).toBe(0);
  expect(await of('revoke')).toEqual(led);
  expect(await run('verdict', ids[1] ?? '', 'noise', '--members')).toMatchObject({
    code: 1,
    err: expect.stringContaining('leads no others: leave --members out'),
  });
});
