import { setImmediate } from 'node:timers/promises';
import type { ClickHouse } from './connection.ts';
import {
  ALERT_ROWS,
  type AlertRevision,
  DELIVERY_ROWS,
  type DeliveryChange,
  EVENT_ROWS,
  FINDING_ROWS,
  findingsOf,
  type LoggedAssessment,
  type LoggedEvent,
  type RowFormat,
} from './rows.ts';

/**
 * Writes to the store. `token` names what is inserted, such as a range of a log: the same items in the same order under the same token change
 * nothing when repeated. Each call resolves when the rows are written, and rejects with a `StoreError`; when that is `retryable`, repeat the
 * call as it was. Items are read once, a few at a time, so that turning them into rows holds nobody up.
 */
export interface StoreWriter {
  insertEvents(events: Iterable<LoggedEvent>, token: string): Promise<void>;
  /** One row for each finding of each assessment. */
  insertFindings(assessments: Iterable<LoggedAssessment>, token: string): Promise<void>;
  insertAlerts(alerts: Iterable<AlertRevision>, token: string): Promise<void>;
  insertDeliveries(changes: Iterable<DeliveryChange>, token: string): Promise<void>;
}

/** What rows are written to, and how others get their turn in between. */
interface Target {
  readonly clickHouse: Pick<ClickHouse, 'insert'>;
  readonly nextTurn: () => Promise<void>;
}

/** @param nextTurn lets others run while many rows are encoded */
export function createStoreWriter(
  clickHouse: Target['clickHouse'],
  nextTurn: Target['nextTurn'] = () => setImmediate(),
): StoreWriter {
  const target = { clickHouse, nextTurn };
  return {
    insertEvents: (events, token) => insertRows(target, EVENT_ROWS, events, token),
    insertFindings: (assessments, token) => insertRows(target, FINDING_ROWS, findingsOf(assessments), token),
    insertAlerts: (alerts, token) => insertRows(target, ALERT_ROWS, alerts, token),
    insertDeliveries: (changes, token) => insertRows(target, DELIVERY_ROWS, changes, token),
  };
}

/**
 * Where a long insert is cut, for the sake of memory: the rows of one piece are in it several times over. Part of what a piece's token means,
 * as is `RowFormat.weigh`, and kept for the same reason.
 */
const PIECE_ROWS_MAX = 50_000;
const PIECE_WEIGHT_MAX = 8 << 20;
/** Rows are encoded in turns of so many characters: about a millisecond each. */
const TURN_CHARS_MAX = 256 << 10;

interface Piece {
  readonly first: number;
  readonly lines: Buffer[];
  rowCount: number;
  weight: number;
}

async function insertRows<T>(
  { clickHouse, nextTurn }: Target,
  format: RowFormat<T>,
  items: Iterable<T>,
  token: string,
): Promise<void> {
  const { table, columns } = format;
  let piece: Piece = { first: 0, lines: [], rowCount: 0, weight: 0 };
  let text = '';
  const endTurn = async () => {
    piece.lines.push(Buffer.from(text));
    text = '';
    await nextTurn();
  };
  const endPiece = async () => {
    if (piece.rowCount === 0) return;
    await endTurn();
    const { first, rowCount, lines } = piece;
    piece = { first: first + rowCount, lines: [], rowCount: 0, weight: 0 };
    await clickHouse.insert(table, columns, lines, `${token}#${first}+${rowCount}`);
  };
  for (const item of items) {
    text += `${JSON.stringify(format.cells(item))}\n`;
    piece.rowCount += 1;
    piece.weight += format.weigh(item);
    if (piece.rowCount >= PIECE_ROWS_MAX || piece.weight >= PIECE_WEIGHT_MAX) await endPiece();
    else if (text.length >= TURN_CHARS_MAX) await endTurn();
  }
  await endPiece();
}
