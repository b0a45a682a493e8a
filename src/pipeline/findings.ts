import type { LeakRequest } from '../decide/notices.ts';
import type { VerdictRequest } from '../decide/verdicts.ts';
import type { Assessment } from '../domain/finding.ts';
import type { NewRecord } from '../log/log.ts';

/** What the findings log holds: opinions of the machine and requests of people, in one order. */
export type FindingsRecord =
  | { readonly kind: 'assessment'; readonly assessment: Assessment }
  | { readonly kind: 'request'; readonly request: Request };

type Request = PersonRequest | VerdictRequest | LeakRequest;

/** A person asks for a revocation, or for one to be undone. */
export interface PersonRequest {
  readonly kind: 'revoke' | 'undo';
  readonly alertId: string;
  /** Who asks, as the command line or console knows them. */
  readonly by: string;
  readonly at: number;
}

export function encodeFindingsRecord(record: FindingsRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

/** What a person asks about a token. One partition has them all, so that they have one order. */
export function requestRecord(token: string, request: Request): NewRecord {
  return { key: token, partition: 0, value: encodeFindingsRecord({ kind: 'request', request }) };
}

/** Reads what `encodeFindingsRecord` wrote. */
export function decodeFindingsRecord(value: Buffer): FindingsRecord {
  return JSON.parse(value.toString()) as FindingsRecord;
}
