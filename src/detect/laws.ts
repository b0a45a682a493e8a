import { z } from 'zod';
import { aligned, type Fields } from '../baseline/record.ts';
import { type AuditEvent, OPERATIONS } from '../domain/audit-event.ts';
import { createRandom, type Random } from '../domain/random.ts';
import { bitsOf, checkEvidence, checkExplanation } from './answers.ts';
import { thresholdsOf } from './budget.ts';
import { CASE_TOKEN, caseEvent, configOf, openAlone, runCases } from './cases.ts';
import type { AnyDetector, CaseEvent, DetectorCase } from './detector.ts';
import { Engine } from './engine.ts';

/** What every detector promises, whoever wrote it. */
export interface Law {
  readonly name: string;
  /** @returns how the detector breaks it; empty if it does not */
  readonly faults: (detector: AnyDetector) => readonly string[];
}

export const STATE_BYTES_MAX = 512;
const DESCRIPTION_CHARS_MIN = 80;
/** Random streams tried for each law that needs them. */
const STREAMS = 20;
const EVENTS_PER_STREAM_MAX = 25;
/** What a person reads through; and a finding with more grows with every name that somebody invents. */
const KINDS_MAX = 8;
const FLOOD_EVENTS = 200;
/** Of the detector's own history a stream begins with: enough to end its warm-up. */
const HISTORY_MAX = 200;

/** The laws, cheapest first. A detector that throws breaks the law at hand. */
export const LAWS: readonly Law[] = [
  { name: 'its cases hold, one that fires and one that stays silent among them', faults: casesFaults },
  { name: 'it documents itself and every option', faults: documentationFaults },
  { name: `it remembers at most ${STATE_BYTES_MAX} bytes a token`, faults: memoryFaults },
  { name: 'score, evidence and explain change nothing', faults: purityFaults },
  { name: 'it learns the same, whether it is told what it has said or not', faults: tellingFaults },
  { name: 'whatever the event, it throws nothing and answers with a number', faults: totalityFaults },
  { name: `its evidence of a flood of names is of ${KINDS_MAX} kinds at most`, faults: floodFaults },
  { name: 'the same events give the same assessments and the same bytes', faults: determinismFaults },
  { name: 'a restart after every event changes nothing', faults: restartFaults },
];

/** Holds a detector to all laws. @returns every law with the ways in which it is broken */
export function checkLaws(
  detector: AnyDetector,
): readonly { readonly law: string; readonly faults: readonly string[] }[] {
  return LAWS.map(({ name, faults }) => {
    try {
      return { law: name, faults: faults(detector) };
    } catch (cause) {
      return { law: name, faults: [`threw ${String(cause)}`] };
    }
  });
}

function casesFaults(detector: AnyDetector): readonly string[] {
  const expectations = new Set(detector.cases.map((example) => example.expect));
  const missing = (['fires', 'silent'] as const).filter((expectation) => !expectations.has(expectation));
  const broken = runCases(detector).filter(({ holds }) => !holds);
  return [
    ...missing.map((expectation) => `it has no case that is expected to be "${expectation}"`),
    ...broken.map(
      ({ name, expected, bits }) => `"${name}" is expected to be "${expected}" and gives ${bits.toFixed(2)} bits`,
    ),
  ];
}

function documentationFaults({ description, falsePositives, config }: AnyDetector): readonly string[] {
  const schema = z.toJSONSchema(config, { io: 'input' }) as {
    additionalProperties?: boolean;
    properties?: Record<string, { description?: string; default?: unknown }>;
  };
  const options = Object.entries(schema.properties ?? {});
  return [
    ...(description.length < DESCRIPTION_CHARS_MIN
      ? [`its description has less than ${DESCRIPTION_CHARS_MIN} characters`]
      : []),
    ...(falsePositives.length === 0 ? ['it names no false positive'] : []),
    ...(schema.additionalProperties === false ? [] : ['its options are no z.strictObject']),
    ...options.flatMap(([name, option]) => [
      ...(option.description ? [] : [`option ${name} is not described`]),
      ...(option.default === undefined ? [`option ${name} has no default`] : []),
    ]),
  ];
}

function memoryFaults({ remembers }: AnyDetector): readonly string[] {
  const fields = Object.values(remembers as Fields);
  const sizeBytes = fields.reduce((total, field) => total + aligned(field.sizeBytes), 0);
  return sizeBytes <= STATE_BYTES_MAX ? [] : [`it remembers ${sizeBytes} bytes`];
}

function purityFaults(detector: AnyDetector): readonly string[] {
  return detector.cases.flatMap((example) => {
    const config = configOf(detector, example);
    const subject = openAlone(detector, example.notices);
    for (const [i, partial] of [...example.history, ...example.events].entries()) {
      const event = caseEvent(partial, i);
      const before = subject.bytes();
      detector.score(subject.fields, event, config);
      detector.explain(event, detector.evidence(subject.fields, event, config));
      if (!isEqual(subject.bytes(), before))
        return [`event ${i} of "${example.name}" changes its memory without being learned`];
      detector.learn(subject.fields, event, config);
    }
    return [];
  });
}

function tellingFaults(detector: AnyDetector): readonly string[] {
  const config = fullestConfigOf(detector);
  return streamsFor(detector).flatMap((events, i) => {
    const notices = fullestCaseOf(detector)?.notices;
    const [told, untold] = [openAlone(detector, notices), openAlone(detector, notices)];
    for (const event of events) {
      const bits = bitsOf(detector.score(told.fields, event, config)) ?? 0;
      detector.learn(told.fields, event, config, bits);
      detector.learn(untold.fields, event, config);
    }
    return isEqual(told.bytes(), untold.bytes()) ? [] : [`stream ${i} leaves other bytes if it is told`];
  });
}

function totalityFaults(detector: AnyDetector): readonly string[] {
  const config = fullestConfigOf(detector);
  return streamsFor(detector).flatMap((events) => {
    const subject = openAlone(detector, fullestCaseOf(detector)?.notices);
    for (const event of events) {
      try {
        bitsOf(detector.score(subject.fields, event, config));
        const evidence: unknown = detector.evidence(subject.fields, event, config);
        checkEvidence(evidence);
        checkExplanation(detector.explain(event, evidence));
        detector.learn(subject.fields, event, config);
      } catch (cause) {
        return [`${String(cause)}, for ${JSON.stringify(event)}`];
      }
    }
    return [];
  });
}

function floodFaults(detector: AnyDetector): readonly string[] {
  const config = fullestConfigOf(detector);
  const subject = openAlone(detector, fullestCaseOf(detector)?.notices);
  const history = historyOf(detector);
  for (const event of history.map(caseEvent)) detector.learn(subject.fields, event, config);
  const kinds = new Set<string>();
  for (let i = 0; i < FLOOD_EVENTS; i++) {
    const event = caseEvent(inventedEvent(lastAtOf(history) + i * 1000, i), history.length + i);
    for (const { what } of detector.evidence(subject.fields, event, config)) kinds.add(what);
    detector.learn(subject.fields, event, config);
  }
  return kinds.size > KINDS_MAX ? [`${kinds.size} kinds after ${FLOOD_EVENTS} events with new names`] : [];
}

function inventedEvent(at: number, i: number): CaseEvent {
  return {
    at,
    database: `db_${i}`,
    operation: OPERATIONS[i % OPERATIONS.length] ?? null,
    tables: Array.from({ length: 4 }, (_, k) => `public.t_${i}_${k}`),
    network: `10.${i % 256}.${i >> 8}.0/24`,
    asn: 64_512 + i,
    application: `tool-${i}`,
    shape: `s${i}`,
    isUnbounded: i % 3 === 0,
    rows: i,
    bytes: i * 100,
    success: i % 2 === 0,
  };
}

function determinismFaults(detector: AnyDetector): readonly string[] {
  return streamsFor(detector).flatMap((events, i) => {
    const first = observeAll(detector, events);
    const second = observeAll(detector, events);
    return isSame(first, second) ? [] : [`stream ${i} differs from run to run`];
  });
}

function restartFaults(detector: AnyDetector): readonly string[] {
  return streamsFor(detector).flatMap((events, i) => {
    const straight = observeAll(detector, events);
    const restarted = observeWithRestarts(detector, events);
    return isSame(straight, restarted) ? [] : [`stream ${i} differs when every event is followed by a restart`];
  });
}

/** Random events after a history of the detector's own, since a random stream by itself never outlives the warm-up. */
function streamsFor(detector: AnyDetector): readonly (readonly AuditEvent[])[] {
  const history = historyOf(detector);
  const lastAt = lastAtOf(history);
  return Array.from({ length: STREAMS }, (_, i) => {
    const random = createRandom(`${detector.id}/${i}`);
    const tail = Array.from({ length: 1 + random.below(EVENTS_PER_STREAM_MAX) }, () => randomEvent(random, lastAt));
    return [...history, ...tail].map(caseEvent);
  });
}

function historyOf(detector: AnyDetector): readonly CaseEvent[] {
  return (fullestCaseOf(detector)?.history ?? []).slice(-HISTORY_MAX);
}

/** The case with the longest history, the first of those: it says most of the detector. */
function fullestCaseOf({ cases }: AnyDetector): DetectorCase | undefined {
  return cases.toSorted((a, b) => b.history.length - a.history.length)[0];
}

function fullestConfigOf(detector: AnyDetector): unknown {
  const fullest = fullestCaseOf(detector);
  return fullest ? configOf(detector, fullest) : detector.config.parse({});
}

function lastAtOf(history: readonly CaseEvent[]): number {
  return history.at(-1)?.at ?? Date.UTC(2026, 8, 7);
}

const AWKWARD_TEXTS = ['', '__proto__', 'public.invoices', '\u0000', '\uD800', 'a'.repeat(256), '"; DROP TABLE x; --'];
const AWKWARD_NUMBERS = [0, 1, 1000, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];

function randomEvent(random: Random, lastAt: number): CaseEvent {
  const orNull = <T>(value: T) => (random.below(4) === 0 ? null : value);
  const text = () => random.pick(AWKWARD_TEXTS);
  const count = () => (random.below(2) === 0 ? random.below(100_000) : random.pick(AWKWARD_NUMBERS));
  const at = random.pick([
    lastAt + random.below(200 * 86_400_000) - 86_400_000,
    lastAt + random.below(60_000),
    0,
    4_102_444_800_000,
  ]);
  return {
    at,
    database: orNull(text()),
    operation: orNull(random.pick(OPERATIONS)),
    tables: Array.from({ length: random.below(6) }, text),
    network: orNull(random.pick(['192.0.2.0/24', '203.0.113.0/24', '2001:db8::/48', text()])),
    asn: orNull(count()),
    country: orNull(random.pick(['DE', 'US', 'FR', 'JP', 'BR'])),
    rows: orNull(count()),
    bytes: orNull(count()),
    success: orNull(random.below(2) === 0),
    application: orNull(text()),
    shape: orNull(text()),
    isUnbounded: orNull(random.below(2) === 0),
  };
}

/** What an engine with only this detector said and then remembered. */
interface Observed {
  readonly assessments: readonly unknown[];
  readonly bytes: Uint8Array;
}

function observeAll(detector: AnyDetector, events: readonly AuditEvent[]): Observed {
  const engine = engineWith(detector);
  const from = takeNotices(engine, detector);
  const assessments = events.map((event, i) => engine.observe(event, from + i, event.at));
  return { assessments, bytes: engine.snapshot(CASE_TOKEN) ?? new Uint8Array() };
}

function observeWithRestarts(detector: AnyDetector, events: readonly AuditEvent[]): Observed {
  let engine = engineWith(detector);
  const from = takeNotices(engine, detector);
  /** As a log of baselines keeps them: of each token the latest. */
  const snapshots = new Map<string, Uint8Array>();
  const assessments = events.map((event, i) => {
    const assessment = engine.observe(event, from + i, event.at);
    for (const { token, snapshot } of engine.takeDirty()) snapshots.set(token, snapshot);
    const next = engineWith(detector);
    for (const [token, snapshot] of snapshots) next.restore(token, snapshot, () => undefined);
    next.fleet.restore(engine.fleet.snapshot());
    engine = next;
    return assessment;
  });
  return { assessments, bytes: engine.snapshot(CASE_TOKEN) ?? new Uint8Array() };
}

/** @returns the offset after them */
function takeNotices(engine: Engine, detector: AnyDetector): number {
  const notices = fullestCaseOf(detector)?.notices ?? [];
  for (const [offset, notice] of notices.entries())
    engine.takeAside({ notice: { ...notice, token: CASE_TOKEN } }, offset);
  return notices.length;
}

function engineWith(detector: AnyDetector): Engine {
  return new Engine({
    installed: [{ detector, config: fullestConfigOf(detector), weight: 1 }],
    // Tells often, so that there is much to compare.
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
    hashSeed: 7,
    tokensMax: 10,
    onFailure: (_, cause) => {
      throw cause;
    },
  });
}

function isSame(a: Observed, b: Observed): boolean {
  return JSON.stringify(a.assessments) === JSON.stringify(b.assessments) && isEqual(a.bytes, b.bytes);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
