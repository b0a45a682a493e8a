import type { Clock } from '../../src/domain/clock.ts';
import type { Random } from '../../src/domain/random.ts';
import type { FaultRates } from './faults.ts';
import { clockOf, type Life, type Schedule } from './schedule.ts';

/** What is simulated around all processes. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly random: Random;
  /** As they are now: none once the world has calmed down. */
  rates(): FaultRates;
}

/** A member nobody has heard of for so long is put out of its groups … */
export const SESSION_MS = 6000;
/** … and does not act any more after half of it. */
export const LEASE_MS = SESSION_MS / 2;

/** One life of a Tokenwarden process, from its start to its end. */
export class SimProcess implements Life {
  readonly name: string;
  readonly clock: Clock;
  dead = false;
  frozenUntil = 0;
  cutUntil = 0;
  /** Since when nobody has heard of it; `undefined`: it is heard. */
  #silentSince: number | undefined;
  #lapseCount = 0;
  readonly #schedule: Schedule;

  constructor(name: string, schedule: Schedule, startAt: number, aheadMs: number) {
    this.name = name;
    this.#schedule = schedule;
    this.clock = clockOf(schedule, this, startAt, aheadMs);
  }

  /** `kill -9`: nothing of it runs any more. What it has sent may still arrive. */
  kill(): void {
    this.#silentSince ??= this.#schedule.now;
    this.dead = true;
  }

  freeze(durationMs: number): void {
    this.#silentSince ??= this.#schedule.now;
    this.frozenUntil = Math.max(this.frozenUntil, this.#schedule.now + durationMs);
  }

  cut(durationMs: number): void {
    this.#silentSince ??= this.#schedule.now;
    this.cutUntil = Math.max(this.cutUntil, this.#schedule.now + durationMs);
  }

  get isHeard(): boolean {
    this.#takeNote();
    return this.#silentSince === undefined;
  }

  /** How long the group coordinator has not heard of it. */
  get silentMs(): number {
    this.#takeNote();
    return this.#silentSince === undefined ? 0 : this.#schedule.now - this.#silentSince;
  }

  /** How often it was silent for so long that it must give up its leases. */
  get lapseCount(): number {
    this.#takeNote();
    return this.#lapseCount;
  }

  #takeNote(): void {
    const heardFrom = Math.max(this.frozenUntil, this.cutUntil);
    if (this.#silentSince === undefined || this.dead || heardFrom > this.#schedule.now) return;
    if (heardFrom - this.#silentSince >= LEASE_MS) this.#lapseCount += 1;
    this.#silentSince = undefined;
  }
}
