import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LaneMarks } from '../../src/pipeline/lane-marks.ts';

const LANES = ['source/a', 'source/b'];

/** Records of two lanes in any order, some twice, each with how far its lane was settled when it was sent. */
const sent = fc.array(
  fc.record({
    lane: fc.constantFrom(...LANES),
    laneOffset: fc.nat({ max: 30 }),
    settledTo: fc.option(fc.nat({ max: 30 })),
  }),
  { maxLength: 80 },
);

describe('LaneMarks', () => {
  it('tells what has come before, and what was settled before it, in whatever order it comes', () => {
    fc.assert(
      fc.property(sent, fc.nat({ max: 80 }), (records, restartAt) => {
        let marks = new LaneMarks();
        const settled = new Map<string, number>();
        const seen = new Set<string>();
        for (const [i, record] of records.entries()) {
          if (i === restartAt) marks = restored(marks);
          const { lane, laneOffset, settledTo } = record;
          const place = `${lane}/${laneOffset}`;
          const isKnown = settledTo !== null && (seen.has(place) || laneOffset < (settled.get(lane) ?? 0));
          expect(marks.repeats(record), place).toBe(isKnown);
          if (settledTo === null || isKnown) continue;
          seen.add(place);
          settled.set(lane, Math.max(settled.get(lane) ?? 0, settledTo));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('knows no second copy of what names no record', () => {
    const marks = new LaneMarks();
    const nameless = { lane: '', laneOffset: -1, settledTo: 5 };
    expect([marks.repeats(nameless), marks.repeats(nameless)]).toEqual([false, false]);
  });
});

function restored(marks: LaneMarks): LaneMarks {
  const again = new LaneMarks();
  const text = marks.take(0);
  if (text !== undefined) again.restore(text);
  return again;
}
