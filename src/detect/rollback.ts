import { hashName } from '../baseline/hash.ts';
import type { LayoutOf, Move, Moves } from '../baseline/layout.ts';
import type { Field, Fields } from '../baseline/record.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';
import { StoredTimes } from './stored-times.ts';
import type { Suspicion } from './suspicion.ts';
import type { Answers } from './verdict.ts';

/** A person has what was known of a token once put in the place of what is known now. */
export interface Rollback {
  readonly token: string;
  /** When it was asked for. Of one token's rollbacks each is later than the one before: one that is not has been taken already. */
  readonly at: number;
  /** Of which time it is, event time: of before the first event that is later. */
  readonly to: number;
  /** Whose memory is replaced; `null`: that of all detectors. */
  readonly detectors: readonly string[] | null;
  /** `keyCheckOf` the key under which the names in it are hashed. */
  readonly keyCheck: number;
  /** Who asked, as the command line knows them. */
  readonly by: string;
  /** As `Engine.snapshot` makes it. */
  readonly snapshot: Uint8Array;
}

/** What became of a rollback: done, known already, or why it is refused. */
export type RollbackOutcome = 'done' | 'repeated' | 'unknown-token' | 'unknown-layout' | 'other-key' | 'damaged';

/** What was put back of a token's baseline. */
export interface RolledBack {
  /** When the last rollback was asked for, of all detectors or some; 0: never. */
  at: number;
  /** The earliest time to which all was put back: of what came before it nothing was taken back. 0: of nothing. */
  to: number;
}

/** 16 bytes. */
export function rolledBack(): Field<RolledBack> {
  return { kind: 'rolled-back', version: 1, sizeBytes: 16, open: (view, offset) => new StoredRolledBack(view, offset) };
}

class StoredRolledBack extends StoredTimes implements RolledBack {
  get at(): number {
    return this.read(0);
  }
  set at(at: number) {
    this.write(0, at);
  }
  get to(): number {
    return this.read(1);
  }
  set to(at: number) {
    this.write(1, at);
  }
}

/** What a rollback changes, and by what it is read. */
export interface Restored {
  /** Of the record that the slab points at. */
  readonly record: Uint8Array;
  readonly moves: Moves;
  readonly layoutOf: LayoutOf;
  readonly slots: readonly {
    readonly detector: { readonly id: string; readonly remembers: Fields };
    readonly suspicion: Suspicion;
  }[];
  readonly hashSeed: number;
  readonly answers: Answers;
  readonly rolledBack: RolledBack;
}

/**
 * Puts a snapshot's memory into a token's record: what detectors remember, how high their evidence got on the days before, and (when it is that of all) the share of
 * days in use. The rest is no memory but what is so: how long the token is known, the evidence that is open, with its notes and its alert.
 */
export function applyRollback(rollback: Rollback, target: Restored): RollbackOutcome {
  const { moves, layoutOf, hashSeed, answers, rolledBack } = target;
  if (rollback.at <= rolledBack.at) return 'repeated';
  const read = readWhole(rollback.snapshot);
  if (read === undefined) return 'damaged';
  const { fingerprint, record } = read;
  const all = moves.from(fingerprint, layoutOf);
  if (all === undefined) return 'unknown-layout';
  if (all.some(({ from, sizeBytes }) => from + sizeBytes > record.length)) return 'damaged';
  if (rollback.keyCheck !== keyCheckOf(hashSeed)) return 'other-key';
  for (const move of wantedOf(rollback, all, target))
    target.record.set(record.subarray(move.from, move.from + move.sizeBytes), move.to);
  for (const { detector, suspicion } of target.slots)
    if (isAbout(rollback.detectors, detector.id)) suspicion.restartDay();
  rolledBack.at = rollback.at;
  if (rollback.detectors === null) {
    rolledBack.to = rolledBack.to === 0 ? rollback.to : Math.min(rollback.to, rolledBack.to);
    // Trust that was given to what is taken back is over.
    answers.learnsWholeUntil = 0;
  }
  return 'done';
}

/** What stands in a log of others than us may be anything: it must not end the process. */
function readWhole(snapshot: Uint8Array): Snapshot | undefined {
  try {
    return readSnapshot(snapshot);
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  }
}

function wantedOf({ detectors }: Rollback, moves: readonly Move[], { record, slots }: Restored): readonly Move[] {
  const wanted = new Map<string, (move: Move) => readonly Move[]>();
  if (detectors === null) wanted.set('engine/activeDays', whole);
  for (const { detector, suspicion } of slots) {
    if (!isAbout(detectors, detector.id)) continue;
    wanted.set(`engine/sum:${detector.id}`, (move) => [partOf(move, suspicion.daysBefore)]);
    for (const [name, field] of Object.entries(detector.remembers)) {
      // That something happened is no less so: only where it is not known it is taken from then.
      const isKept = (move: Move) =>
        field.isFact === true && record.subarray(move.to, move.to + 8).some((byte) => byte !== 0);
      wanted.set(`${detector.id}/${name}`, (move) => (isKept(move) ? [] : [move]));
    }
  }
  return moves.flatMap((move) => wanted.get(move.name)?.(move) ?? []);
}

function isAbout(detectors: Rollback['detectors'], id: string): boolean {
  return detectors === null || detectors.includes(id);
}

const whole = (move: Move): readonly Move[] => [move];

function partOf({ name, from, to }: Move, { offset, sizeBytes }: Suspicion['daysBefore']): Move {
  return { name, from: from + offset, to: to + offset, sizeBytes };
}

/** Tells keys apart, under which names are hashed: restored under another, every name of a token would be news. */
export function keyCheckOf(hashSeed: number): number {
  return hashName('the same name under the same key', hashSeed);
}
