import { DAY_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { AnyDetector } from '../../src/detect/detector.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import { partitionOf } from '../../src/domain/partition.ts';
import { createEnrich, type Enrich } from '../../src/enrich/enrich.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { createKeys } from '../../src/runtime/keys.ts';
import { type CanonicalRecord, createFleet, dayOfFleet, type SimulatedToken } from '../../src/simulate/fleet.ts';

export const PARTITION_COUNT = 3;
const HISTORY_DAYS = 14;
const TOKEN_COUNT = 24;
const KEYS = createKeys('the key of the simulated installation');
/** A Monday. */
const FIRST_DAY_AT = Date.UTC(2026, 8, 7);
/** The day on which the simulation takes place. */
export const TODAY_AT = FIRST_DAY_AT + HISTORY_DAYS * DAY_MS;

/** An installation that has been running for two weeks: what every simulation begins with. Made once, and never changed. */
export interface History {
  readonly engine: EngineOptions;
  readonly enrich: Enrich;
  readonly tokens: readonly SimulatedToken[];
  readonly partitions: readonly {
    /** Events so far: the offset of the next one. */
    readonly end: number;
    /** Each token's baseline. */
    readonly snapshots: ReadonlyMap<string, Uint8Array>;
    readonly fleet: Uint8Array;
  }[];
  /** What the tokens' owners do today. */
  readonly today: readonly CanonicalRecord[];
}

export function makeHistory(detectors: readonly AnyDetector[]): History {
  const fleet = createFleet('simulator', TOKEN_COUNT);
  const engine: EngineOptions = {
    installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
    hashSeed: KEYS.hashSeed,
    tokensMax: 2 * TOKEN_COUNT,
    // Each date is a day, however little happens.
    fleetPace: { growth: 0, eventsMin: 1, eventsMax: 1 },
    onFailure: (_, cause) => {
      throw cause;
    },
  };
  const enrich = createEnrich({
    namespace: null,
    fingerprintTokens: 'when-secret',
    fingerprint: KEYS.fingerprint,
    factsOfAddress: () => null,
    factsOfToken: () => null,
    ageMsMax: null,
  });
  const partitions = Array.from({ length: PARTITION_COUNT }, () => ({ engine: new Engine(engine), end: 0 }));
  const normaliser = canonical.open();
  for (let day = 0; day < HISTORY_DAYS; day++) {
    for (const [i, record] of dayOfFleet(fleet, 'simulator', FIRST_DAY_AT + day * DAY_MS).entries()) {
      const outcomes = normaliser.push({ id: `past/${day}/${i}`, value: Buffer.from(JSON.stringify(record)) });
      for (const outcome of outcomes) {
        if (outcome.kind !== 'event') throw new Error('a simulated event that is none');
        const event = enrich(outcome.event, null);
        const part = partitions[partitionOf(event.token, PARTITION_COUNT)]!;
        part.engine.observe(event, part.end++, event.at);
      }
    }
  }
  return {
    engine,
    enrich,
    tokens: fleet.tokens,
    partitions: partitions.map((part) => ({
      end: part.end,
      snapshots: new Map([...part.engine.takeDirty()].map(({ token, snapshot }) => [token, snapshot])),
      fleet: part.engine.fleet.snapshot(),
    })),
    today: dayOfFleet(fleet, 'simulator', TODAY_AT),
  };
}
