import { type Fact, oftenText, type Tellable } from './facts.ts';
import { hashName } from './hash.ts';
import type { Field, RecordView } from './record.ts';
import { MINUTE_MS, SECOND_MS } from './time.ts';

/** `alone`: no other name is in use. Else the next use is of the same name as the last (`stays`), of the other (`returns`), or of a third. */
export type Step = 'alone' | 'stays' | 'returns' | 'arrives';

export interface AlternationRead {
  /** Whether a second name is in use beside the last one: else nobody can go back to anything. */
  isDivided(at: number): boolean;
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
/** Words in which the times are of the name used last, and of the one before. */
const LAST = 1;
const OTHER = 3;

/**
 * Going back and forth between two names (of places, say), both in use at the same time: how often a token does it. 24 bytes.
 *
 * Layout: hash of the name used last u32, second of that use u32, the same of the one before, steps that could have returned f32, that did f32.
 */
export function alternation(): Field<AlternationRead, AlternationWrite> {
  return { kind: 'alternation', version: 1, sizeBytes: 24, open: (view, offset) => new Alternation(view, offset) };
}

class Alternation implements AlternationWrite, Tellable {
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
    return this.#view.f32[this.#at + 4] as number;
  }

  isDivided(at: number): boolean {
    return this.#isLive(OTHER, at);
  }

  step(name: string, at: number): Step {
    return this.#stepTo(hashName(name, this.#view.hashSeed), at);
  }

  returnRate(priorRate: number, priorWeight: number): number {
    const returns = this.#view.f32[this.#at + 5] as number;
    return (returns + priorRate * priorWeight) / (this.observations + priorWeight);
  }

  facts(): readonly Fact[] {
    const { observations } = this;
    if (observations === 0) return [];
    return [{ what: 'back and forth', value: oftenText(this.#view.f32[this.#at + 5] as number, observations) }];
  }

  add(name: string, at: number): void {
    const { u32, hashSeed } = this.#view;
    const index = this.#at;
    const hash = hashName(name, hashSeed);
    if (this.#isLive(OTHER, at)) this.#count(this.#stepTo(hash, at));
    if (hash !== u32[index]) {
      u32[index + 2] = u32[index] as number;
      u32[index + OTHER] = u32[index + LAST] as number;
      u32[index] = hash;
      u32[index + LAST] = 0;
    }
    // A late event does not turn time back.
    u32[index + LAST] = Math.max(u32[index + LAST] as number, Math.floor(at / SECOND_MS));
  }

  #stepTo(hash: number, at: number): Step {
    const { u32 } = this.#view;
    const isSame = hash === u32[this.#at];
    if (!this.#isLive(isSame ? OTHER : LAST, at)) return 'alone';
    if (isSame) return 'stays';
    return hash === u32[this.#at + 2] && this.#isLive(OTHER, at) ? 'returns' : 'arrives';
  }

  #count(step: Step): void {
    if (step !== 'stays' && step !== 'returns') return;
    const { f32, weight } = this.#view;
    const index = this.#at;
    const fading = Math.min(1, (WEIGHT_MAX - weight) / Math.max(1, this.observations));
    f32[index + 4] = this.observations * fading + weight;
    f32[index + 5] = (f32[index + 5] as number) * fading + (step === 'returns' ? weight : 0);
  }

  #isLive(word: number, at: number): boolean {
    const second = this.#view.u32[this.#at + word] as number;
    return second > 0 && Math.abs(at - second * SECOND_MS) < LIVE_MS;
  }
}
