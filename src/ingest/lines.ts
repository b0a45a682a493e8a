import { LIMITS } from '../domain/audit-event.ts';
import type { SourceRecord } from './source.ts';

/** Cuts a stream of bytes into records, one a line. */
export interface LineSplitter {
  /** The records whose newline has come. Their values may be views of `chunk`: leave it alone afterwards. */
  push(chunk: Buffer): SourceRecord[];
  /** The last line, if the stream ended without a newline. */
  end(): SourceRecord | undefined;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const PENDING_BYTES_MIN = 4096;

/**
 * Splits at newlines; a carriage return before one belongs to it, and blank lines are no records. Of a line longer than
 * `LIMITS.recordBytesMax` only so much is held and handed over.
 *
 * @param offset of the stream's next byte; records are numbered by it.
 */
export function createLineSplitter(offset: number): LineSplitter {
  let position = offset;
  let lineStart = offset;
  /** The beginning of a line whose end has not come: `kept` bytes of `pending`. */
  let pending = Buffer.alloc(0);
  let kept = 0;

  const keep = (piece: Buffer): void => {
    const needed = Math.min(kept + piece.length, LIMITS.recordBytesMax);
    if (needed > pending.length) pending = grow(pending, needed);
    kept += piece.copy(pending, kept, 0, needed - kept);
  };
  const finish = (piece: Buffer, end: number, nextOffset: number): SourceRecord | undefined => {
    const line = { offset: lineStart, nextOffset, receivedAt: null };
    const truncated = end - lineStart > LIMITS.recordBytesMax;
    lineStart = nextOffset;
    let value = piece;
    if (truncated || kept > 0) {
      keep(piece);
      value = pending.subarray(0, kept);
      pending = Buffer.alloc(0);
      kept = 0;
    }
    if (truncated) return { ...line, value, truncated };
    if (value.at(-1) === CARRIAGE_RETURN) value = value.subarray(0, -1);
    return value.length === 0 ? undefined : { ...line, value };
  };

  return {
    push(chunk) {
      const records: SourceRecord[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const record = finish(chunk.subarray(start, end), position + end, position + end + 1);
        if (record) records.push(record);
        start = end + 1;
      }
      keep(chunk.subarray(start));
      position += chunk.length;
      return records;
    },
    end: () => finish(Buffer.alloc(0), position, position),
  };
}

function grow(pending: Buffer, needed: number): Buffer<ArrayBuffer> {
  const size = Math.max(needed, PENDING_BYTES_MIN, Math.min(2 * pending.length, LIMITS.recordBytesMax));
  // A buffer of its own: a slice of the shared pool would pin it.
  const grown = Buffer.allocUnsafeSlow(size);
  pending.copy(grown);
  return grown;
}

/** The lines of a stream, the last one without newline included. */
export async function* readLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<SourceRecord> {
  const lines = createLineSplitter(0);
  for await (const chunk of stream) yield* lines.push(Buffer.from(chunk));
  const last = lines.end();
  if (last) yield last;
}
