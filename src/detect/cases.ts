import { hashName } from '../baseline/hash.ts';
import { layOut, opener } from '../baseline/layout.ts';
import { StoredNotice } from '../baseline/notice.ts';
import type { Fields } from '../baseline/record.ts';
import { createSlab } from '../baseline/slab.ts';
import { type AuditEvent, isFailedLogin } from '../domain/audit-event.ts';
import { blankEvent } from '../domain/blank-event.ts';
import { type AnyDetector, CASE_FIRES_BITS, type CaseEvent, type DetectorCase, isConcerned } from './detector.ts';

/** Whose record it is; events of other tokens are the fleet's. */
export const CASE_TOKEN = 'case';

/** How one of a detector's own cases went. */
export interface CaseOutcome {
  readonly name: string;
  readonly expected: DetectorCase['expect'];
  /** The sum over the judged events, with a floor at zero as in the engine. */
  readonly bits: number;
  /** The sentence for the event that added most. */
  readonly explanation: string;
  readonly holds: boolean;
}

/** Runs a detector's cases as the engine would, but alone and without calibration: score, then learn, event by event. */
export function runCases(detector: AnyDetector): readonly CaseOutcome[] {
  return detector.cases.map((example) => runCase(detector, configOf(detector, example), example));
}

/** The options with which a case is to be seen. */
export function configOf(detector: AnyDetector, example: DetectorCase): unknown {
  return detector.config.parse(example.config ?? {});
}

function runCase(detector: AnyDetector, config: unknown, example: DetectorCase): CaseOutcome {
  const subject = openAlone(detector, example.notices);
  const isJudged = (event: AuditEvent) => isConcerned(detector, !isFailedLogin(event));
  example.history.forEach((partial, i) => {
    const event = caseEvent(partial, i);
    if (event.token === CASE_TOKEN && isJudged(event)) detector.learn(subject.fields, event, config);
    subject.take(event);
  });
  let bits = 0;
  let most = 0;
  let explanation = '';
  example.events.forEach((partial, i) => {
    const event = caseEvent(partial, example.history.length + i);
    const answer = isJudged(event) ? detector.score(subject.fields, event, config) : undefined;
    const added = Math.min(detector.bitsMax ?? 4.5, answer ?? 0);
    bits = Math.max(0, bits + added);
    if (added > most) {
      most = added;
      explanation = detector.explain(event, detector.evidence(subject.fields, event, config));
    }
    if (isJudged(event)) detector.learn(subject.fields, event, config, answer ?? 0);
    subject.take(event);
  });
  const holds = example.expect === 'fires' ? bits >= CASE_FIRES_BITS : bits < 1;
  return { name: example.name, expected: example.expect, bits, explanation, holds };
}

/** One detector with a record of its own, for its cases and for the conformance laws. */
export function openAlone(
  detector: AnyDetector,
  notices: DetectorCase['notices'] = [],
): {
  readonly fields: Readonly<Record<string, unknown>>;
  /** The record's bytes now. */
  bytes(): Uint8Array;
  /** Has the fleet use what an event uses. */
  take(event: AuditEvent): void;
} {
  const remembers = detector.remembers as Fields;
  const layout = layOut([{ id: detector.id, fields: remembers }]);
  const slab = createSlab({ recordBytes: layout.sizeBytes, tokensMax: 1, hashSeed: 1 });
  slab.seek(CASE_TOKEN);
  const fields = opener(layout, slab.view)(detector.id, remembers);
  for (const field of Object.values(fields))
    if (field instanceof StoredNotice)
      for (const { kind, at, stands } of notices) if (kind === field.kind) field.take(at, stands);
  const { fleet, hashSeed } = slab.view;
  return {
    fields,
    bytes: () => slab.bytesAt(0).slice(),
    take: (event) => {
      fleet.turnTo(hashName(event.token, hashSeed));
      fleet.add(event);
      fleet.turnTo(hashName(CASE_TOKEN, hashSeed));
    },
  };
}

/** Fills a case's event in. */
export function caseEvent(partial: CaseEvent, index: number): AuditEvent {
  return { ...blankEvent(`case/0/${index}`, CASE_TOKEN, partial.at), ...partial };
}
