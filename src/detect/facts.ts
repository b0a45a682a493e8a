import type { Fact, NameOf, Tellable } from '../baseline/facts.ts';
import type { TokenSummary } from './header.ts';
import type { OwnMemory } from './own-memory.ts';
import type { Suspicion } from './suspicion.ts';

/** Something that is usual for a token, and which detector goes by it; `null`: all of them. */
export interface TokenFact extends Fact {
  readonly detector: string | null;
}

/** A detector, what it remembers, and its evidence: of the record that the slab points at. */
interface Slot {
  readonly detector: { readonly id: string };
  readonly fields: Readonly<Record<string, unknown>>;
  readonly suspicion: Suspicion;
}

/** How long a token is known, and how suspicious it is. */
export function summaryOf({ header, rolledBack: { at, to } }: OwnMemory, slots: readonly Slot[]): TokenSummary {
  const { firstSeenAt, lastSeenAt, eventCount } = header;
  const suspicions = slots.map(({ detector: { id }, suspicion: { sum, days } }) => ({ detector: id, sum, days }));
  return { firstSeenAt, lastSeenAt, eventCount, rolledBack: { at, to }, suspicions };
}

/** What is usual for a token, in words: of the token, then by detector, in the order in which they remember it. */
export function factsOf(
  { header, activeDays, rolledBack }: OwnMemory,
  slots: readonly Slot[],
  nameOf: NameOf,
): readonly TokenFact[] {
  const daysMax = Math.max(0, ...slots.map(({ suspicion }) => wholeDays(suspicion)));
  const ofToken: readonly Fact[] = [
    { what: 'first seen', value: timeText(header.firstSeenAt) },
    { what: 'last seen', value: timeText(header.lastSeenAt) },
    { what: 'events', value: String(header.eventCount) },
    ...activeDays.facts(),
    { what: 'calibrated on', value: daysText(daysMax) },
    ...(rolledBack.to === 0
      ? []
      : [
          { what: 'rolled back', value: `to ${timeText(rolledBack.to)}, last asked for at ${timeText(rolledBack.at)}` },
        ]),
  ];
  return [
    ...ofToken.map((fact) => ({ detector: null, ...fact })),
    ...slots.flatMap(({ detector: { id }, fields, suspicion }) => [
      ...Object.entries(fields).flatMap(([name, field]) =>
        ((field as Partial<Tellable>).facts?.(nameOf) ?? []).map(({ what, value }) => ({
          detector: id,
          what: `${spaced(name)} ${what}`.trimEnd(),
          value,
        })),
      ),
      ...calibrationOf(suspicion, daysMax).map((fact) => ({ detector: id, ...fact })),
    ]),
  ];
}

/** Days are told of a detector only where it knows fewer than others. */
function calibrationOf(suspicion: Suspicion, daysMax: number): readonly Fact[] {
  const days = wholeDays(suspicion);
  const halfBits = Math.round(2 * suspicion.usualDay);
  return [
    ...(halfBits === 0 ? [] : [{ what: 'evidence on a usual day', value: `up to ${halfBits / 2} bits` }]),
    ...(days === daysMax ? [] : [{ what: 'calibrated on', value: daysText(days) }]),
  ];
}

function wholeDays({ days }: Suspicion): number {
  return Math.round(days);
}

function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

function timeText(at: number): string {
  return at === 0 ? 'never' : new Date(at).toISOString();
}

/** `lastArrival` as `last arrival`. */
function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
}
