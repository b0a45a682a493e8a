import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { engineOf, feed, ordinary, START, stolen } from './tokens-life.ts';

const nameOf = (hash: number) => `#${hash}`;

it('tells what is usual for a token, and changes nothing by it', () => {
  const engine = engineOf();
  feed(engine, ordinary('svc'));
  const before = Buffer.from(engine.snapshot('svc') as Uint8Array);
  const facts = engine.facts('svc', nameOf) ?? [];
  expect(Buffer.compare(engine.snapshot('svc') as Buffer, before)).toBe(0);
  const told = (detector: string | null, what: string) =>
    facts.find((fact) => fact.detector === detector && fact.what === what)?.value;
  expect(told(null, 'first seen')).toBe(new Date(START + 8 * HOUR_MS).toISOString());
  expect(told(null, 'events')).toBe('432');
  expect(told(null, 'calibrated on')).toBe('11 days');
  expect(told(null, 'days in use')).toBe('100 % of the calendar’s');
  expect(told('new-table', 'tables known')).toHaveLength(2);
  expect(told('new-table', 'tables fresh, not known yet')).toEqual([]);
  expect(told('new-table', 'tables watched since')).toBe('2026-09-07');
  expect(told('new-table', 'tables new ones')).toBe('1 in about 500');
  expect(told('off-hours', 'hours UTC')).toEqual(['Mon–Sun 8–17']);
  expect(told('volume-spike', 'statements in an hour')).toBe('about 4, seldom above about 8');
  expect(told('unbounded-read', 'reads')).toBeUndefined();
  expect(engine.facts('nobody', nameOf)).toBeUndefined();
});

it('tells of two tokens that do alike alike, and of a stranger that something is different', () => {
  const engine = engineOf();
  feed(engine, ordinary('a', 'seed'));
  feed(engine, ordinary('b', 'seed'), 1000);
  // How suspicious the first days are depends on what others have done before.
  const usual = (token: string) =>
    engine.facts(token, nameOf)?.filter(({ what }) => what !== 'evidence on a usual day') ?? [];
  expect(usual('a')).toEqual(usual('b'));
  expect(usual('a').length).toBeGreaterThan(20);
  const events = stolen('b').map((event) => ({ ...event, at: event.at - DAY_MS }));
  feed(engine, events, 2000);
  const fresh = engine.facts('b', nameOf)?.find(({ what }) => what === 'tables fresh, not known yet');
  expect(fresh?.value).toHaveLength(4);
});
