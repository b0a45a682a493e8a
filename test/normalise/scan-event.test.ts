import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditEvent, OPERATIONS } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { scanStoredEvent } from '../../src/normalise/scan-event.ts';
import { decodeStoredEvent, encodeStoredEvent, type StoredEvent } from '../../src/normalise/stored-event.ts';

/** What goes wrong in texts: quotes, escapes, other alphabets, halves of characters. */
const text = fc.oneof(
  fc.constantFrom('', 'null', '"', '\\', '\\"', 'a\\', 'a\nb', '\u0000', 'ü', '表', '😀', '\ud800', '"],"rows":1', '}'),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
);
const textOrNull = fc.option(text);
/** `source/lane/offset`, or nearly. */
const id = fc.oneof(
  text,
  fc
    .tuple(text, fc.constantFrom('/', '', '/x', '/-'), fc.bigInt({ min: 0n, max: 10n ** 17n }))
    .map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('', 'app/lane-0@1a2b', 'x'.repeat(60)), fc.nat()).map((parts) => parts.join('/')),
);
const countOrNull = fc.option(fc.oneof(fc.nat(), fc.constantFrom(0, 0.5, 1e21, 1e-7, 2 ** 53)));

const event: fc.Arbitrary<AuditEvent> = fc
  .record({
    id,
    at: fc.oneof(fc.nat(), fc.constantFrom(-1, 0, 1_790_000_000_000, 4e15)),
    token: text,
    principal: textOrNull,
    address: textOrNull,
    database: textOrNull,
    operation: fc.option(fc.constantFrom(...OPERATIONS)),
    tables: fc.array(text, { maxLength: 5 }),
    statement: textOrNull,
    rows: countOrNull,
    bytes: countOrNull,
    success: fc.option(fc.boolean()),
    application: textOrNull,
    session: textOrNull,
    network: textOrNull,
    asn: countOrNull,
    country: textOrNull,
    owner: textOrNull,
    environment: textOrNull,
  })
  .map((parts) => ({ ...blankEvent(parts.id, parts.token, parts.at), ...parts }));

const FIELDS = Object.keys(decodeStoredEvent(stored(blankEvent('id', 'token', 1), 0), '')) as (keyof StoredEvent)[];

function stored(one: AuditEvent, settledTo: number | null): Buffer {
  return Buffer.from(encodeStoredEvent(one, settledTo));
}

/** Getters are no properties of their own. */
function plain(read: ReturnType<typeof scanStoredEvent>): unknown {
  return 'code' in read ? read : Object.fromEntries(FIELDS.map((field) => [field, read[field]]));
}

function expectTheSame(value: Buffer): void {
  expect(plain(scanStoredEvent(value, () => 'fallback'))).toEqual(decodeStoredEvent(value, 'fallback'));
}

describe('scanStoredEvent reads what decodeStoredEvent reads', () => {
  it('from whatever encodeStoredEvent writes', () => {
    fc.assert(
      fc.property(event, fc.option(fc.nat()), (one, settledTo) => expectTheSame(stored(one, settledTo))),
      { numRuns: 3000 },
    );
  });

  it('from bytes that were changed, cut off or repeated', () => {
    const change = fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 3 }));
    fc.assert(
      fc.property(event, fc.array(change, { minLength: 1, maxLength: 3 }), (one, changes) => {
        let value = stored(one, 7);
        for (const [place, cut, added] of changes) {
          const at = place % (value.length + 1);
          value = Buffer.concat([value.subarray(0, at), added, value.subarray(at + cut)]);
        }
        expectTheSame(value);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['nothing', ''],
    ['a number that goes on', '{"id":"a","time":1.5,"token":"t"}'],
    ['other keys in another order', '{"token":"t","time":"2026-01-05T00:00:00Z","rows":3}'],
    ['an event without an id', '{"time":1,"token":"t"}'],
    ['two events', `${encodeStoredEvent(blankEvent('id', 't', 1), 0)}{}`],
    ['a number with a leading zero', encodeStoredEvent(blankEvent('id', 't', 1), 0).replace('"time":1', '"time":01')],
    ['no token', encodeStoredEvent(blankEvent('id', '', 1), 0)],
    [
      'a control character',
      encodeStoredEvent({ ...blankEvent('id', 't', 1), statement: 'x' }, 0).replace('"x"', '"\n"'),
    ],
    ['too many tables', encodeStoredEvent({ ...blankEvent('id', 't', 1), tables: Array(65).fill('t') }, 0)],
  ])('from %s', (_, json) => expectTheSame(Buffer.from(json)));

  it('makes texts of its own only when they are asked for', () => {
    const value = stored({ ...blankEvent('id', 't', 1), statement: 'select 1' }, 0);
    const read = scanStoredEvent(value, () => '') as StoredEvent;
    value.write('S', value.indexOf('select'));
    expect(read.statement).toBe('Select 1');
  });
});
