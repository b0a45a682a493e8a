import type { Clock } from '../domain/clock.ts';

export interface TenureOptions {
  readonly clock: Clock;
  /** For so long after the coordinator last heard from the member, nobody else can own its partitions: half the session. */
  readonly leaseMs: number;
  /** A member that was called to join anew, and could not, is put out of the group after twice this. */
  readonly rejoinMs: number;
}

/**
 * A member's standing in its group: the common part of its leases. It lapses when the coordinator has not answered for too long, and
 * then for good, even when nobody has noticed.
 */
export class Tenure {
  readonly #options: TenureOptions;
  #lapsed = false;
  #heardAt: Instant;
  #calledAt: Instant | undefined;

  /** @param since when a request was sent that the coordinator has answered. */
  constructor(options: TenureOptions, since: Instant) {
    this.#options = options;
    this.#heardAt = since;
  }

  valid(): boolean {
    if (this.#lapsed) return false;
    const { clock, leaseMs, rejoinMs } = this.#options;
    const now = instantOf(clock);
    const rejoinLate = this.#calledAt !== undefined && passedMs(this.#calledAt, now) >= rejoinMs;
    if (passedMs(this.#heardAt, now) >= leaseMs || rejoinLate) this.#lapsed = true;
    return !this.#lapsed;
  }

  /** The coordinator has answered a request sent at `since`. @returns false when that came too late. */
  renew(since: Instant): boolean {
    if (!this.valid()) return false;
    if (since.elapsed > this.#heardAt.elapsed) this.#heardAt = since;
    return true;
  }

  /** The coordinator calls the members to join anew. */
  call(since: Instant): void {
    this.#calledAt ??= since;
  }

  /** The member has joined anew. */
  joined(): void {
    this.#calledAt = undefined;
  }

  end(): void {
    this.#lapsed = true;
  }
}

/** A moment by both clocks: the monotonic one may stand still while a machine sleeps, and the other may be set. */
export interface Instant {
  readonly elapsed: number;
  readonly now: number;
}

export function instantOf(clock: Clock): Instant {
  return { elapsed: clock.elapsed(), now: clock.now() };
}

function passedMs(since: Instant, until: Instant): number {
  return Math.max(until.elapsed - since.elapsed, until.now - since.now);
}
