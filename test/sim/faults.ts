import type { Random } from '../../src/domain/random.ts';

/** How often what goes wrong. Shares are of calls, rates are of processes and seconds. */
export interface FaultRates {
  /** An append takes seconds to land; its process may be dead, or have lost the partition, by then. */
  readonly appendLate: number;
  /** An append never lands, and fails. */
  readonly appendLost: number;
  /** An append lands, its acknowledgement does not arrive. */
  readonly appendUnanswered: number;
  /** Only the first records of an append land, and it fails. */
  readonly appendPartly: number;
  /** An append lands twice: its producer repeated it, and the broker could not tell. */
  readonly appendTwice: number;
  readonly readFails: number;
  readonly commitLost: number;
  readonly commitUnanswered: number;
  readonly storeRefuses: number;
  /** The insert happened, and nobody was told. */
  readonly storeUnanswered: number;
  /** The insert happens seconds after its caller has given up. */
  readonly storeLate: number;
  readonly receiverFails: number;
  readonly receiverHangs: number;
  /** The call arrived, its 2xx was lost. */
  readonly receiverUnanswered: number;
  readonly killPerSecond: number;
  readonly stopPerSecond: number;
  readonly freezePerSecond: number;
  /** The process is cut off from the network: it cannot be heard, and what it sends arrives when the cut ends. */
  readonly cutPerSecond: number;
  readonly compactionPerSecond: number;
  /** Source records and events older than some seconds are deleted, read or not. */
  readonly retentionPerSecond: number;
}

export const NO_FAULTS: FaultRates = {
  appendLate: 0,
  appendLost: 0,
  appendUnanswered: 0,
  appendPartly: 0,
  appendTwice: 0,
  readFails: 0,
  commitLost: 0,
  commitUnanswered: 0,
  storeRefuses: 0,
  storeUnanswered: 0,
  storeLate: 0,
  receiverFails: 0,
  receiverHangs: 0,
  receiverUnanswered: 0,
  killPerSecond: 0,
  stopPerSecond: 0,
  freezePerSecond: 0,
  cutPerSecond: 0,
  compactionPerSecond: 0,
  retentionPerSecond: 0,
};

const RATES_MAX: FaultRates = {
  appendLate: 0.05,
  appendLost: 0.02,
  appendUnanswered: 0.02,
  appendPartly: 0.02,
  appendTwice: 0.02,
  readFails: 0.05,
  commitLost: 0.05,
  commitUnanswered: 0.05,
  storeRefuses: 0.4,
  storeUnanswered: 0.3,
  storeLate: 0.3,
  receiverFails: 0.5,
  receiverHangs: 0.2,
  receiverUnanswered: 0.4,
  killPerSecond: 0.15,
  stopPerSecond: 0.1,
  freezePerSecond: 0.08,
  cutPerSecond: 0.08,
  compactionPerSecond: 0.3,
  retentionPerSecond: 0.2,
};

/** Every seed has faults of its own: some kinds not at all, some often, so that each also happens without the others. */
export function drawRates(random: Random): FaultRates {
  const drawn = Object.entries(RATES_MAX).map(([kind, max]) => [kind, random.next() < 0.5 ? 0 : max * random.next()]);
  const rates = Object.fromEntries(drawn) as FaultRates;
  // What retention takes cannot be checked: most seeds are to have all of it.
  return random.next() < 0.15 ? rates : { ...rates, retentionPerSecond: 0 };
}
