import type { Receiver } from '../../src/deliver/receiver.ts';
import type { RevocationOrder, Revoker, Verification } from '../../src/deliver/revoker.ts';
import type { DeliveryOutcome } from '../../src/domain/action.ts';
import type { SimProcess, Surroundings } from './process.ts';

/** A call that arrived. */
export interface Call {
  readonly kind: 'notify' | 'revoke';
  readonly actionId: string;
  readonly token: string;
  /** All that was said, as one text. */
  readonly body: string;
  readonly decidedAt: number;
  readonly reason: string;
  readonly at: number;
}

const TIMEOUT_MS = 3000;

/** The simulated other side of receivers and revokers: remembers what arrived, whatever its caller was told. */
export class SimTargets {
  readonly calls: Call[] = [];
  /** Tokens that the issuer has taken out of use. */
  readonly revoked = new Set<string>();
  readonly #around: Surroundings;
  /** Does not really revoke: an issuer that says yes and means no. */
  readonly #deaf: boolean;

  constructor(around: Surroundings, deaf: boolean) {
    this.#around = around;
    this.#deaf = deaf;
  }

  receiverFor(process: SimProcess): Receiver {
    return {
      kind: 'simulated',
      send: (notification, signal) => {
        const { id, token, decidedAt, reason } = notification.action;
        const body = JSON.stringify(notification);
        const facts = { kind: 'notify' as const, actionId: id, token, body, decidedAt, reason: reason.code };
        return this.#call(process, facts, signal, () => undefined);
      },
    };
  }

  revokerFor(process: SimProcess): Revoker {
    return {
      kind: 'simulated',
      propagationMs: 100,
      revoke: (order, signal) => {
        const { id, token, decidedAt, reason } = order.action;
        const facts = { kind: 'revoke' as const, actionId: id, token, decidedAt, reason: reason.code };
        return this.#call(process, { ...facts, body: JSON.stringify(order) }, signal, () => {
          if (!this.#deaf) this.revoked.add(token);
        });
      },
      verify: (order, signal) => this.#verify(process, order, signal),
      undo: () => Promise.resolve({ kind: 'refused', detail: 'cannot be undone' }),
    };
  }

  #call(
    process: SimProcess,
    call: Omit<Call, 'at'>,
    signal: AbortSignal,
    effect: () => void,
  ): Promise<DeliveryOutcome> {
    const { schedule, random, rates } = this.#around;
    const { receiverFails, receiverHangs, receiverUnanswered } = rates();
    const result = Promise.withResolvers<DeliveryOutcome>();
    const answer = (delayMs: number, outcome: DeliveryOutcome) =>
      schedule.after(delayMs, process, () => result.resolve(outcome));
    const unlisten = schedule.onAbort(signal, () => result.resolve({ kind: 'retry', detail: 'stopping' }));
    void result.promise.then(unlisten);
    const chance = random.next();
    if (chance < receiverFails) answer(5, { kind: 'retry', detail: '503', afterMs: random.below(2) * 2000 });
    else if (chance < receiverFails + receiverHangs) answer(TIMEOUT_MS, { kind: 'retry', detail: 'timed out' });
    else {
      const delayMs = 2 + random.below(30) + Math.max(0, process.cutUntil - schedule.now);
      schedule.after(delayMs, null, () => {
        this.calls.push({ ...call, at: schedule.now });
        effect();
      });
      const isLost = random.next() < receiverUnanswered || delayMs > TIMEOUT_MS;
      if (isLost) answer(TIMEOUT_MS, { kind: 'retry', detail: 'no answer' });
      else answer(delayMs + 2, { kind: 'accepted', detail: 'done' });
    }
    return result.promise;
  }

  async #verify(process: SimProcess, { action }: RevocationOrder, signal: AbortSignal): Promise<Verification> {
    const { schedule, random, rates } = this.#around;
    await schedule.sleep(5, process);
    if (signal.aborted || random.next() < rates().receiverFails) return { kind: 'retry', detail: 'cannot look' };
    if (random.next() < 0.5) return { kind: 'unknown', detail: 'cannot tell' };
    if (this.revoked.has(action.token)) return { kind: 'verified', detail: 'gone' };
    return { kind: 'ineffective', detail: 'still there' };
  }
}
