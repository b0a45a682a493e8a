import type { Field, RecordView } from '../baseline/record.ts';
import type { AnyDetector, Installed, LatestEvents } from './detector.ts';
import { ORDINARY_BITS } from './fusion.ts';
import { accumulated, Cusum, DAYS_MAX, SUSPICION_BYTES, type Suspicion, suspicion } from './suspicion.ts';

/** For each detector, the field in which its evidence of several events comes together. */
export function sumsOf(installed: readonly Pick<Installed, 'detector'>[]): Readonly<Record<string, Field<Suspicion>>> {
  return Object.fromEntries(installed.map(({ detector }) => [`sum:${detector.id}`, sumOf(detector)]));
}

function sumOf({ isCertain, gathers }: AnyDetector): Field<Suspicion> {
  if (isCertain === true) return plainSum();
  return gathers === undefined ? suspicion() : latestMean(gathers);
}

/**
 * The mean of the latest events' evidence, with a floor at 0; it fades with time as every sum does. For what each event shows a little of: a thief who is a bit
 * odd in all that is done stays so, while an owner's odd hour is over soon. Such evidence is a surprise by the token's own habits already, and its mean
 * means the same for every token, so that it is not compared with days. Bytes as of `suspicion`.
 */
function latestMean(latest: LatestEvents): Field<Suspicion> {
  const open = (view: RecordView, offset: number) => new LatestMean(view, offset, latest);
  return { kind: 'latest-mean', version: 2, sizeBytes: SUSPICION_BYTES, open };
}

class LatestMean extends Cusum {
  readonly #step: number;
  readonly #worth: number;

  constructor(view: RecordView, offset: number, { halfLife, worth }: LatestEvents) {
    super(view, offset);
    this.#step = 1 - 2 ** (-1 / halfLife);
    this.#worth = worth;
  }

  override accumulate(bits: number | undefined, decay: number): number {
    const kept = this.sum * decay;
    // What does not concern it is none of the latest: a thief could dilute the mean with it.
    return this.rise(bits === undefined ? kept : Math.max(0, kept + this.#step * (bits - kept)));
  }

  override surprise(value: number): number {
    return ORDINARY_BITS + this.#worth * value;
  }
}

/** What must not happen at all is no matter of how high it gets on ordinary days: a sum without them. 8 bytes: sum f32, days of use f32. */
function plainSum(): Field<Suspicion> {
  return { kind: 'plain-sum', version: 1, sizeBytes: 8, open: (view, offset) => new PlainSum(view, offset) };
}

class PlainSum implements Suspicion {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly usualDay = 0;
  readonly lately = 0;
  readonly daysBefore = { offset: 4, sizeBytes: 4 };

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get sum(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  get days(): number {
    return this.#view.f32[this.#at + 1] ?? 0;
  }

  accumulate(bits: number | undefined, decay: number): number {
    const sum = accumulated(this.sum, bits ?? 0, decay);
    this.#view.f32[this.#at] = sum;
    return sum;
  }

  surprise(value: number): number {
    return value;
  }

  clear(): void {
    this.#view.f32[this.#at] = 0;
  }

  restartDay(): void {
    // Of a day nothing is kept.
  }

  closeDay(): void {
    this.#view.f32[this.#at + 1] = Math.min(DAYS_MAX, this.days + 1);
  }
}
