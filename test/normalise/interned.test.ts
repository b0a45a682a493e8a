import fc from 'fast-check';
import { expect, it } from 'vitest';
import { internedText } from '../../src/normalise/interned.ts';

const ascii = fc.string({ unit: fc.constantFrom(...'abAB.19_- '), maxLength: 60 });

it('is the text of its bytes, whatever was asked for before', () => {
  fc.assert(
    fc.property(fc.array(ascii, { maxLength: 40 }), (texts) => {
      for (const text of [...texts, ...texts]) {
        expect(internedText(Buffer.from(`"${text}"`), 1, 1 + text.length)).toBe(text);
      }
    }),
    { numRuns: 500 },
  );
});
