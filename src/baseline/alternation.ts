import { hashName } from './hash.ts';
import type { Field, RecordView } from './record.ts';
import { MINUTE_MS, SECOND_MS } from './time.ts';

/** `alone`: no other name is in use. Else the next use is of the same name as the last (`stays`), of the other (`returns`), or of a third. */
export type Step = 'alone' | 'stays' | 'returns' | 'arrives';

export interface AlternationRead {
  /** What the use of a name is, after those before. */
  step(name: string, at: number): Step;
  /** Steps that returned, of those that could have, smoothed as if `priorWeight` such steps at `priorRate` had gone before. */
  returnRate(priorRate: number, priorWeight: number): number;
  /** How many steps could have returned. */
  readonly observations: number;
}

export interface AlternationWrite extends AlternationRead {
  add(name: string, at: number): void;
}

/** A name is in use for so long after it was used. */
const LIVE_MS = 30 * MINUTE_MS;
const WEIGHT_MAX = 1000;

/**
 * Going back and forth between two names (of places, say), both in use at the same time: how often a token does it. 24 bytes.
 *
 * Layout: hash of the name used last u32, second of that use u32, the same of the one before, steps that could have returned f32, that did f32.
 */
export function alternation(): Field<AlternationRead, AlternationWrite> {
  return { kind: 'alternation', version: 1, sizeBytes: 24, open: (view, offset) => new Alternation(view, offset) };
}

class Alternation implements AlternationWrite {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get observations(): number {
    return this.#view.f32[this.#at + 4] ?? 0;
  }

  step(name: string, at: number): Step {
    const { u32, hashSeed } = this.#view;
    const hash = hashName(name, hashSeed);
    const isSame = hash === u32[this.#at];
    if (!this.#isLive(isSame ? 3 : 1, at)) return 'alone';
    if (isSame) return 'stays';
    return hash === u32[this.#at + 2] && this.#isLive(3, at) ? 'returns' : 'arrives';
  }

  returnRate(priorRate: number, priorWeight: number): number {
    const returns = this.#view.f32[this.#at + 5] ?? 0;
    return (returns + priorRate * priorWeight) / (this.observations + priorWeight);
  }

  add(name: string, at: number): void {
    const { f32, u32, hashSeed, weight } = this.#view;
    const index = this.#at;
    const step = this.step(name, at);
    if (step === 'stays' || step === 'returns') {
      const fading = Math.min(1, (WEIGHT_MAX - weight) / Math.max(1, this.observations));
      f32[index + 4] = this.observations * fading + weight;
      f32[index + 5] = (f32[index + 5] ?? 0) * fading + (step === 'returns' ? weight : 0);
    }
    const hash = hashName(name, hashSeed);
    if (hash !== u32[index]) {
      u32[index + 2] = u32[index] ?? 0;
      u32[index + 3] = u32[index + 1] ?? 0;
      u32[index] = hash;
      u32[index + 1] = 0;
    }
    // A late event does not turn time back.
    u32[index + 1] = Math.max(u32[index + 1] ?? 0, Math.floor(at / SECOND_MS));
  }

  #isLive(word: 1 | 3, at: number): boolean {
    const second = this.#view.u32[this.#at + word] ?? 0;
    return second > 0 && Math.abs(at - second * SECOND_MS) < LIVE_MS;
  }
}
