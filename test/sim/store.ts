import { StoreError } from '../../src/store/store-error.ts';
import type { StoreWriter } from '../../src/store/writer.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { SimProcess, Surroundings } from './process.ts';

/** A row as it was inserted, by column. */
export type Row = Readonly<Record<string, unknown>>;

const REQUEST_MS_MAX = 4000;
const LATE_MS_MAX = 8000;
const BACKOFF_FROM_MS = 20;

/** A simulated ClickHouse: takes each deduplication token once, and is not always there to say so. */
export class SimStore {
  readonly tables = new Map<string, Row[]>();
  readonly #tokens = new Set<string>();
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** The real writer, over this process's connection. */
  writerFor(process: SimProcess): StoreWriter {
    const insert = (table: string, columns: readonly string[], lines: readonly Buffer[], token: string) =>
      this.#insert(process, table, columns, Buffer.concat(lines).toString(), token);
    return createStoreWriter({ insert }, () => Promise.resolve());
  }

  #insert(process: SimProcess, table: string, columns: readonly string[], text: string, token: string): Promise<void> {
    const { schedule, random, rates } = this.#around;
    const { storeRefuses, storeUnanswered, storeLate } = rates();
    const result = Promise.withResolvers<void>();
    const answer = (delayMs: number, why?: string) =>
      schedule.after(delayMs, process, () => {
        if (why === undefined) result.resolve();
        else result.reject(new StoreError('unavailable', why));
      });
    const chance = random.next();
    if (chance < storeRefuses) {
      answer(1 + random.below(50), 'TOO_MANY_PARTS');
      return result.promise;
    }
    const isLate = random.next() < storeLate;
    const landsAfterMs = BACKOFF_FROM_MS + random.below(isLate ? LATE_MS_MAX : 80);
    schedule.after(landsAfterMs, null, () => {
      const key = `${table} ${token}`;
      if (this.#tokens.has(key)) return;
      this.#tokens.add(key);
      const rows = this.tables.get(table) ?? [];
      this.tables.set(table, rows);
      for (const line of text.trim().split('\n')) {
        const cells = JSON.parse(line) as unknown[];
        rows.push(Object.fromEntries(columns.map((column, i) => [column, cells[i]])));
      }
    });
    if (chance < storeRefuses + storeUnanswered || landsAfterMs > REQUEST_MS_MAX) answer(REQUEST_MS_MAX, 'no answer');
    else answer(landsAfterMs + 2);
    return result.promise;
  }
}
