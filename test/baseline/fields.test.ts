import { describe, expect, it } from 'vitest';
import { activeDays } from '../../src/baseline/active-days.ts';
import { counter } from '../../src/baseline/counter.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { hourOfWeek } from '../../src/baseline/hour-of-week.ts';
import { type KindSetWrite, kindSet } from '../../src/baseline/kind-set.ts';
import { type LatestNamesWrite, latestNames } from '../../src/baseline/latest-names.ts';
import { moments } from '../../src/baseline/moments.ts';
import { type NameMixWrite, nameMix } from '../../src/baseline/name-mix.ts';
import { type NameTracesWrite, nameTraces } from '../../src/baseline/name-traces.ts';
import { type RateWindowsWrite, rateWindow, rateWindows } from '../../src/baseline/rate-window.ts';
import { type SeenSetWrite, seenSet } from '../../src/baseline/seen-set.ts';
import { share } from '../../src/baseline/share.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import { timestamp } from '../../src/baseline/timestamp.ts';
import { createRandom } from '../../src/domain/random.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);

/** Each field with something to learn at a time. */
const FIELDS = [
  ['counter', counter(), (field) => field.add()],
  ['hour-of-week', hourOfWeek(), (field, at) => field.add(at)],
  [
    'kind-set',
    kindSet({ kinds: ['a', 'b', 'c', 'd', 'e'], forgetAfterDays: 9 }),
    (field: KindSetWrite, at) => field.add((at / HOUR_MS) % 5, at),
  ],
  ['latest-names', latestNames(), (field: LatestNamesWrite, at) => field.add(`n${(at / HOUR_MS) % 40}`)],
  ['share', share(), (field, at) => field.add(at % 7 === 0)],
  ['moments', moments({ weightMax: 20 }), (field, at) => field.add(at % 1000)],
  ['rate-window', rateWindow({ windowMs: MINUTE_MS }), (field, at) => field.add(at % 100, at)],
  [
    'rate-windows',
    rateWindows({ windowsMs: [MINUTE_MS, HOUR_MS] }),
    (field: RateWindowsWrite, at) => field.add(at % 100, at),
  ],
  ['name-mix', nameMix(), (field: NameMixWrite, at) => field.add(`n${(at / HOUR_MS) % 40}`, at)],
  ['seen-set', seenSet({ capacity: 8, forgetAfterDays: 9 }), (field: SeenSetWrite, at) => field.add(`n${at % 40}`, at)],
  ['name-traces', nameTraces({ capacity: 5 }), (field: NameTracesWrite, at) => field.add(hashName(`n${at}`, 1))],
  ['active-days', activeDays(), (field, at) => field.beginDay(1 + (at % 5))],
  ['timestamp', timestamp(), (field, at) => field.advance(at)],
  // biome-ignore lint/suspicious/noExplicitAny: each row has a field of another type
] as const satisfies readonly (readonly [string, any, (field: any, at: number) => void])[];

describe.each(FIELDS)('%s', (_name, declared, learn) => {
  it('has a size that keeps the next field aligned', () => {
    expect(declared.sizeBytes % 8).toBe(0);
  });

  it('stays within its bytes, and lives in nothing else', () => {
    const random = createRandom('fields');
    const open = () => openField<unknown, unknown>(declared as never);
    const through = learn as (field: unknown, at: number) => void;
    const first = open();
    let second = open();
    for (let i = 0; i < 3000; i++) {
      // Late, repeated and far-away times too.
      const at = START + Math.round(i * random.next() + random.below(80)) * HOUR_MS;
      through(first.field, at);
      // The other moves to another place at every step, with nothing but its bytes.
      const next = open();
      next.bytes.set(second.bytes);
      second = next;
      through(second.field, at);
    }
    expect(first.outside()).toBe(false);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    expect(first.bytes.some((byte) => byte !== 0)).toBe(true);
  });
});
