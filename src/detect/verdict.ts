import type { Answerable, Field } from '../baseline/record.ts';
import { dayOf } from '../baseline/time.ts';
import type { Verdict } from '../domain/verdict.ts';
import type { NoteBook } from './notes.ts';
import { StoredTimes } from './stored-times.ts';
import type { Suspicion } from './suspicion.ts';

/** What people have answered about a token, as far as its record has to know. */
export interface Answers {
  /** When the last verdict was given that was applied; 0 before the first. */
  givenAt: number;
  /** What the log takes before then is learned whole, however suspicious it is; 0: nothing is. */
  learnsWholeUntil: number;
}

/** 16 bytes. */
export function answers(): Field<Answers> {
  return { kind: 'answers', version: 1, sizeBytes: 16, open: (view, offset) => new StoredAnswers(view, offset) };
}

class StoredAnswers extends StoredTimes implements Answers {
  get givenAt(): number {
    return this.read(0);
  }
  set givenAt(at: number) {
    this.write(0, at);
  }
  get learnsWholeUntil(): number {
    return this.read(1);
  }
  set learnsWholeUntil(at: number) {
    this.write(1, at);
  }
}

/** What a verdict changes: the record that the slab points at, and the token's notes. */
export interface Answered {
  readonly slots: readonly { readonly fields: Readonly<Record<string, unknown>>; readonly suspicion: Suspicion }[];
  readonly answers: Answers;
  readonly notes: NoteBook;
  readonly slot: number;
}

/**
 * Applies a verdict to a token's record, once: a second copy, or one that a later verdict has overtaken, changes nothing. Where an episode is open that is
 * not the alert's, its evidence is left alone, and `expected` teaches nothing: what goes on now is another question.
 */
export function applyVerdict(verdict: Verdict, { slots, answers, notes, slot }: Answered): void {
  if (verdict.at <= answers.givenAt) return;
  answers.givenAt = verdict.at;
  answers.learnsWholeUntil = 0;
  if (verdict.kind === 'noise') return;
  const open = notes.get(slot)?.episode ?? null;
  const isOurs = open === null || open.id === verdict.episode;
  if (verdict.kind === 'expected') {
    if (!isOurs) return;
    answers.learnsWholeUntil = verdict.until ?? 0;
    for (const field of fieldsOf(slots)) field.accept?.();
  } else {
    const day = dayOf(verdict.openedAt);
    for (const field of fieldsOf(slots)) field.forgetSince?.(day);
  }
  if (!isOurs) return;
  for (const { suspicion } of slots) suspicion.clear(verdict.kind === 'true-positive');
  notes.delete(slot);
}

function* fieldsOf(slots: Answered['slots']): Generator<Partial<Answerable>> {
  for (const { fields } of slots) for (const field of Object.values(fields)) yield field as Partial<Answerable>;
}
