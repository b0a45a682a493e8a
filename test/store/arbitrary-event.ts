import fc from 'fast-check';
import { type AuditEvent, OPERATIONS } from '../../src/domain/audit-event.ts';

/** Texts that have broken parsers, quoting and terminals before. */
export const HOSTILE_TEXTS = [
  '',
  `'; DROP TABLE events; --`,
  `"];\n DROP TABLE events;\n`,
  `\\'; DROP TABLE events; --`,
  ';\n\n;TRUNCATE TABLE events;',
  '{x:String} {y:UInt64} {token:Identifier}',
  'NUL \u0000 and more\u0000',
  'half \ud800 a pair',
  'the other \udc00 half',
  '\\',
  '\\N',
  'NULL',
  '\u2028 and \u2029',
  'FORMAT JSONEachRow {"n":1}',
  '} \n {"n":99,"s":"x"}',
  '\ufeffbom',
  '\u007f\u0080\u009f',
  '\u001b[2J\u0007',
  '😀'.repeat(100),
  '\r\n\t\b\f\v',
  'SETTINGS max_threads = 1 FORMAT TSV',
  '/* -- # $$ `',
  '%s%n{{7*7}}$(id)',
  '__proto__',
  'a'.repeat(8192),
  '\u0000'.repeat(8192),
] as const;

const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary', maxLength: 40 }), fc.string());
const optionalText = fc.option(text, { nil: null });
const number = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.constantFrom(0, -0, 2 ** 32, 2 ** 63, 1e308));
const optionalNumber = fc.option(number, { nil: null });

/** Any event that the types allow, and a little more: what a foreign producer might put on a log. */
export const arbitraryEvent: fc.Arbitrary<AuditEvent> = fc.record({
  id: text,
  at: number,
  token: text,
  principal: optionalText,
  address: optionalText,
  database: optionalText,
  operation: fc.option(fc.constantFrom(...OPERATIONS), { nil: null }),
  tables: fc.array(text, { maxLength: 5 }),
  statement: optionalText,
  shape: optionalText,
  isUnbounded: fc.option(fc.boolean(), { nil: null }),
  rows: optionalNumber,
  bytes: optionalNumber,
  success: fc.option(fc.boolean(), { nil: null }),
  application: optionalText,
  session: optionalText,
  format: text,
  network: optionalText,
  asn: optionalNumber,
  country: optionalText,
  owner: optionalText,
  environment: optionalText,
});
