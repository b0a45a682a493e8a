import type { NoticeKind } from '../domain/notice.ts';
import type { Fact } from './facts.ts';
import type { Field, RecordView } from './record.ts';

export interface NoticeRead {
  /** When the notice that stands was given, ms since the epoch; 0: none stands. */
  readonly since: number;
}

/** What is certain of the token. The engine takes it among the token's events; detectors only read it. 8 bytes. */
export function notice(kind: NoticeKind): Field<NoticeRead> {
  return {
    kind: 'notice',
    version: 1,
    isFact: true,
    sizeBytes: 8,
    open: (view, offset) => new StoredNotice(kind, view, offset),
  };
}

/** One number: when the last notice was given, and below 0 that it was to withdraw the one before. */
export class StoredNotice implements NoticeRead {
  readonly kind: NoticeKind;
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(kind: NoticeKind, view: RecordView, offset: number) {
    this.kind = kind;
    this.#view = view;
    this.#offset = offset;
  }

  get #last(): number {
    return this.#view.f64[(this.#view.base + this.#offset) >> 3] ?? 0;
  }

  get since(): number {
    return Math.max(0, this.#last);
  }

  /** Whether there was one ever, withdrawn or not. */
  get isGiven(): boolean {
    return this.#last !== 0;
  }

  facts(): readonly Fact[] {
    const { since } = this;
    return since === 0 ? [] : [{ what: '', value: `given at ${new Date(since).toISOString()}` }];
  }

  /** Takes a notice that is later than the one before. @returns whether it is */
  take(at: number, stands: boolean): boolean {
    if (at <= Math.abs(this.#last)) return false;
    this.#view.f64[(this.#view.base + this.#offset) >> 3] = stands ? at : -at;
    return true;
  }
}
