import type { Field, RecordView } from '../baseline/record.ts';
import type { AnyDetector, Installed } from './detector.ts';
import { ORDINARY_BITS } from './fusion.ts';
import { accumulated, Cusum, DAYS_MAX, SUSPICION_BYTES, type Suspicion, suspicion } from './suspicion.ts';

/** For each detector, the field in which its evidence of several events comes together. */
export function sumsOf(installed: readonly Pick<Installed, 'detector'>[]): Readonly<Record<string, Field<Suspicion>>> {
  return Object.fromEntries(installed.map(({ detector }) => [`sum:${detector.id}`, sumOf(detector)]));
}

function sumOf({ isCertain, gathers }: AnyDetector): Field<Suspicion> {
  if (isCertain === true) return plainSum();
  return gathers === 'mean' ? latestMean() : suspicion();
}

/**
 * The mean of the latest events' evidence, half of it forgotten after `HALF_LIFE_EVENTS`, with a floor at 0. For what each event shows a little of: a thief who is a bit
 * odd in all that is done stays so, while an owner's odd hour is over soon. Such evidence is a surprise by the token's own habits already, and its mean
 * means the same for every token, so that it is not compared with days. Bytes as of `suspicion`.
 */
function latestMean(): Field<Suspicion> {
  const open = (view: RecordView, offset: number) => new LatestMean(view, offset);
  return { kind: 'latest-mean', version: 1, sizeBytes: SUSPICION_BYTES, open };
}

const HALF_LIFE_EVENTS = 16;
const STEP = 1 - 2 ** (-1 / HALF_LIFE_EVENTS);
/** What is alike in events that follow each other counts once: those in the mean are worth so many of their own. */
const INDEPENDENT_EVENTS = 4;

class LatestMean extends Cusum {
  override accumulate(bits: number): number {
    return this.rise(Math.max(0, this.sum + STEP * (bits - this.sum)));
  }

  override surprise(value: number): number {
    return ORDINARY_BITS + INDEPENDENT_EVENTS * value;
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

  accumulate(bits: number, decay: number): number {
    const sum = accumulated(this.sum, bits, decay);
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
