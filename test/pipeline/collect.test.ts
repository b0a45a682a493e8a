import { describe, expect, it } from 'vitest';
import type { SourceRecord } from '../../src/ingest/source.ts';
import { createCounts } from '../../src/pipeline/collect.ts';
import { holdingFormat, intakeOf, line, nameAt, namesUpTo, startCollecting } from '../ingest/collecting.ts';

/** A lane is "crashed" by taking it up again from a position that was remembered before. */
function records(...indices: readonly number[]): readonly SourceRecord[] {
  return indices.map((i) => ({ offset: i, nextOffset: i + 1, value: Buffer.from(line(nameAt(i))), receivedAt: null }));
}

describe('a lane that is taken up again', () => {
  it('writes nothing twice when it crashes twice, the second time while reading again', async () => {
    await using collecting = await startCollecting();
    const intake = collecting.intake('s');
    const first = await intake.resume('lane', undefined);
    const start = await first.settle();
    await first.take(records(0, 1, 2, 3));
    const second = await intake.resume('lane', { ...start, offset: 0 });
    const half = await second.take(records(0, 1));
    const third = await intake.resume('lane', half);
    await third.take(records(2, 3, 4));
    expect([...(await collecting.names())].sort()).toEqual(namesUpTo(5));
  });

  it('stands where it stood before anything was read', async () => {
    await using collecting = await startCollecting();
    const first = await collecting.intake('s').resume('lane', undefined);
    const position = await first.take(records(0, 1));
    const second = await collecting.intake('s').resume('lane', position);
    expect((await second.settle()).offset).toBe(2);
  });

  it('goes back to the record that was held back, and no further', async () => {
    await using collecting = await startCollecting();
    const counts = createCounts();
    const intake = intakeOf(collecting.log, 's', counts, holdingFormat());
    const first = await intake.resume('lane', undefined);
    await first.take(records(0, 1, 2));
    const position = await first.take(records(3, 4));
    expect(first.held).toBe(true);
    expect(position.offset).toBe(4);
    await first.take(records(5));

    const second = await intake.resume('lane', position);
    await second.take(records(4, 5, 6));
    expect((await second.settle()).offset).toBe(7);
    expect([...(await collecting.names())].sort()).toEqual(namesUpTo(7));
    expect(counts.repeated).toBe(1);
  });

  it('writes what was held back once, when it had been written and is the last that is read again', async () => {
    await using collecting = await startCollecting();
    const counts = createCounts();
    const intake = intakeOf(collecting.log, 's', counts, holdingFormat());
    const first = await intake.resume('lane', undefined);
    const position = await first.take(records(0, 1));
    await first.settle();

    const second = await intake.resume('lane', position);
    await second.take(records(1));
    await second.settle();
    expect(await collecting.names()).toEqual(namesUpTo(2));
    expect(counts.repeated).toBe(1);
  });
});
