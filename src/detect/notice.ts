import { StoredNotice } from '../baseline/notice.ts';
import type { Notice } from '../domain/notice.ts';
import type { NoteBook } from './notes.ts';
import type { Suspicion } from './suspicion.ts';

/** A field that keeps notices, with whose detector's it is. */
export interface Noticing {
  readonly detectorId: string;
  readonly field: StoredNotice;
  readonly suspicion: Suspicion;
}

/** Which of the detectors' fields keep notices. */
export function noticingOf(
  slots: readonly {
    readonly detector: { readonly id: string };
    readonly fields: Readonly<Record<string, unknown>>;
    readonly suspicion: Suspicion;
  }[],
): readonly Noticing[] {
  return slots.flatMap(({ detector, fields, suspicion }) =>
    Object.values(fields).flatMap((field) =>
      field instanceof StoredNotice ? { detectorId: detector.id, field, suspicion } : [],
    ),
  );
}

/** Whether a detector has anything to write: not where it remembers nothing, or notices only. */
export function hasToLearn({ fields }: { readonly fields: Readonly<Record<string, unknown>> }): boolean {
  return Object.values(fields).some((field) => !(field instanceof StoredNotice));
}

/** Applies a notice to the record that the slab points at, once: a second copy, or one that a later notice has overtaken, changes nothing. */
export function applyNotice(
  { kind, at, stands }: Notice,
  noticing: readonly Noticing[],
  notes: NoteBook,
  slot: number,
): void {
  for (const { detectorId, field, suspicion } of noticing) {
    if (field.kind !== kind || !field.take(at, stands)) continue;
    // What was summed up was of the notice before.
    suspicion.clear(true);
    notes.get(slot)?.evidence.delete(detectorId);
  }
}
