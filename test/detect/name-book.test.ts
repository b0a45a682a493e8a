import { expect, it } from 'vitest';
import { z } from 'zod';
import { hashName } from '../../src/baseline/hash.ts';
import { seenSet } from '../../src/baseline/seen-set.ts';
import { type AnyDetector, defineDetector } from '../../src/detect/detector.ts';
import { NameBook } from '../../src/detect/name-book.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { detectors, engineOf, feed, ordinary, START, stolen } from './tokens-life.ts';

const SEED = 7;
const bookOf = (installed: readonly AnyDetector[]) =>
  new NameBook(
    installed.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    SEED,
  );

/** One of a user's own, which calls things as it likes. */
const own = defineDetector({
  id: 'own',
  title: '',
  description: '',
  status: 'experimental',
  severity: 'low',
  dimension: 'how',
  trust: 'claimed',
  attack: [],
  falsePositives: [],
  runbook: '',
  config: z.strictObject({}),
  remembers: { pairs: seenSet({ capacity: 4, forgetAfterDays: 9 }) },
  score: () => undefined,
  learn({ pairs }, { application, database, at }) {
    if (application === 'bad') throw new Error('cannot');
    pairs.add(`${application} on ${database}`, at);
  },
  evidence: () => [],
  explain: () => '',
  cases: [],
});

it('spells out what detectors call things, a user’s own included', () => {
  const book = bookOf([own]);
  book.hear({ ...blankEvent('1', 't', START), application: 'bad' });
  book.hear({ ...blankEvent('2', 't', START), application: 'psql', database: 'shop' });
  expect(book.nameOf(hashName('psql on shop', SEED))).toBe('psql on shop');
  expect(book.nameOf(0x1234)).toBe('(name not found, hash 00001234)');
});

it('spells out all names of a token’s record', () => {
  const engine = engineOf();
  const book = bookOf(detectors);
  const events = [...ordinary('svc'), ...stolen('svc')].map((event) => ({
    ...event,
    application: 'app/1.2',
    asn: 64500,
    country: 'DE',
    shape: 'a1b2',
    statement: 'SELECT 1',
  }));
  feed(engine, events);
  for (const event of events) book.hear(event);
  const text = JSON.stringify(engine.facts('svc', book.nameOf));
  for (const name of ['192.0.2.0/24', '203.0.113.0/24', '64500', 'DE', 'hr.salaries', 'SELECT 1'])
    expect(text).toContain(name);
  expect(text).not.toContain('not found');
});

it('keeps the names used last, however many there are', () => {
  const book = bookOf([own]);
  const name = (i: number) => `a${i} on null`;
  for (let i = 0; i <= 60_000; i++) {
    book.hear({ ...blankEvent(`${i}`, 't', START), application: 'a0' });
    book.hear({ ...blankEvent(`${i}`, 't', START), application: `a${i}` });
  }
  for (const i of [0, 30_000, 60_000]) expect(book.nameOf(hashName(name(i), SEED))).toBe(name(i));
  expect(book.nameOf(hashName(name(1), SEED))).toContain('not found');
});
