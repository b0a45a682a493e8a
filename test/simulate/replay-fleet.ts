import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { networkOf } from '../../src/enrich/network.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';
import { type CanonicalRecord, createFleet, dayOfFleet } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 8, 7);
const detectors = await loadDetectors();
const thresholds = thresholdsOf({ alarms: 1, tokenMonths: 1000 });

export interface Replayed {
  /** Tokens that were blamed for their ordinary days. */
  readonly honestAlerts: readonly string[];
  readonly thefts: readonly {
    readonly token: string;
    /** Stolen uses up to the one that raised the alert, that one included; `undefined`: not found. */
    readonly foundAfter: number | undefined;
    /** Whether policy may revoke on it: the score, in two dimensions. */
    readonly revocable: boolean;
  }[];
}

/** Lets a fleet live, then has each of its tokens that are used every week stolen, each from the same honest past. */
export function replayFleet(
  seed: string,
  { tokenCount, days }: { readonly tokenCount: number; readonly days: number },
): Replayed {
  const fleet = createFleet(seed, tokenCount);
  const engine = createEngine();
  const honestAlerts: string[] = [];
  let offset = 0;
  for (let day = 0; day < days; day++) {
    for (const record of dayOfFleet(fleet, seed, START + day * DAY_MS)) {
      const event = eventOf(record, offset);
      if (engine.observe(event, offset++, event.at)) honestAlerts.push(event.token);
    }
  }
  const thefts = fleet.tokens
    .filter(({ habit }) => habit !== 'rarely-used')
    .map((token, i) => {
      const victim = createEngine();
      victim.fleet.restore(engine.fleet.snapshot());
      victim.restore(token.token, engine.snapshot(token.token) ?? new Uint8Array(0), () => undefined);
      let foundAfter: number | undefined;
      let revocable = false;
      for (const [j, record] of theftOf(token, seed, START + days * DAY_MS + i * 1_440_000).entries()) {
        const event = eventOf(record, offset + j);
        const assessment = victim.observe(event, offset + j, event.at);
        if (assessment === undefined) continue;
        foundAfter ??= j + 1;
        revocable ||=
          assessment.score >= thresholds.revoke &&
          assessment.findings.filter(({ contribution }) => contribution >= 1).length >= 2;
      }
      return { token: token.token, foundAfter, revocable };
    });
  return { honestAlerts, thefts };
}

/** What the canonical format has against records. */
export function canonicalSchemaFaults(records: readonly CanonicalRecord[]): readonly string[] {
  return records.flatMap((record, i) => {
    const outcome = read(record, i);
    return outcome?.kind === 'event' ? [] : [JSON.stringify(outcome)];
  });
}

export function createEngine(): Engine {
  return new Engine({
    installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds,
    hashSeed: 7,
    tokensMax: 10_000,
    onFailure: (id, cause) => {
      throw new Error(id, { cause });
    },
  });
}

export function eventOf(record: CanonicalRecord, offset: number): AuditEvent {
  const outcome = read(record, offset);
  if (outcome?.kind !== 'event') throw new Error(JSON.stringify(outcome));
  const { event } = outcome;
  return { ...event, network: event.address === null ? null : networkOf(event.address) };
}

function read(record: CanonicalRecord, offset: number) {
  return canonical.open().push({ id: `fleet/0/${offset}`, value: Buffer.from(JSON.stringify(record)) })[0];
}
