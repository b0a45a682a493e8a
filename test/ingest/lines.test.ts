import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/audit-event.ts';
import { createLineSplitter, readLines } from '../../src/ingest/lines.ts';

async function split(...chunks: readonly (string | Buffer)[]) {
  const records = [];
  for await (const { offset, nextOffset, value, truncated } of readLines(stream(chunks))) {
    records.push([offset, nextOffset, Buffer.from(value).toString(), ...(truncated ? ['truncated'] : [])]);
  }
  return records;
}

async function* stream(chunks: readonly (string | Buffer)[]) {
  yield* chunks;
}

describe('createLineSplitter', () => {
  it('numbers lines by the byte they begin at', async () => {
    expect(await split('one\ntwé\nthree')).toEqual([
      [0, 4, 'one'],
      [4, 9, 'twé'],
      [9, 14, 'three'],
    ]);
  });

  it('takes a carriage return for a part of the newline, and blank lines for nothing', async () => {
    expect(await split('one\r\n\r\n\n', 'two\r', '\n')).toEqual([
      [0, 5, 'one'],
      [8, 13, 'two'],
    ]);
  });

  it('says the same however the stream was cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'é'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(80), { maxLength: 8 }), async (all, cuts) => {
        const bytes = Buffer.from(all);
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
        const chunks = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        expect(await split(...chunks)).toEqual(await split(bytes));
        const kept = (await split(bytes)).map(([, , value]) => value);
        expect(kept).toEqual(
          all
            .split('\n')
            .map((one) => one.replace(/\r$/, ''))
            .filter((one) => one !== ''),
        );
      }),
      { seed: 7 },
    );
  });

  it('cuts a line that is too long, and only that one', async () => {
    const long = Buffer.alloc(LIMITS.recordBytesMax + 1, 'x');
    const whole = long.subarray(1);
    const records = await split(long, '\n', whole, '\nend\n');
    expect(records.map(([offset, next, value, mark]) => [offset, next, String(value).length, mark])).toEqual([
      [0, long.length + 1, LIMITS.recordBytesMax, 'truncated'],
      [long.length + 1, 2 * long.length + 1, LIMITS.recordBytesMax, undefined],
      [2 * long.length + 1, 2 * long.length + 5, 3, undefined],
    ]);
  });

  it('holds no more of an endless line than a record may have', () => {
    const lines = createLineSplitter(0);
    const chunk = Buffer.alloc(256 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) expect(lines.push(chunk)).toEqual([]);
    // 50 MiB went in.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
    expect(lines.end()).toMatchObject({ nextOffset: 200 * chunk.length, truncated: true });
  });
});
