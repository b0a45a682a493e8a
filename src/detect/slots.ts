import type { opener } from '../baseline/layout.ts';
import type { Fields } from '../baseline/record.ts';
import type { Described } from './describe.ts';
import type { AnyDetector, Installed } from './detector.ts';
import type { sumsOf } from './gathering.ts';
import type { Suspicion } from './suspicion.ts';

const BITS_MAX_DEFAULT = 4.5;

/**
 * A detector in an engine: its settings, its place in the record, and what is asked of it at every event, by itself. Detectors have as many shapes as
 * there are of them, and a slot has one: V8 finds its way in it sooner.
 */
export interface Slot extends Described, Pick<AnyDetector, 'score' | 'learn'> {
  readonly isCertain: boolean;
  readonly judgesFailedLogins: boolean;
  readonly weight: number;
  readonly bitsMax: number;
  readonly suspicion: Suspicion;
}

/** @param sums see `sumsOf`: fields of the engine's own */
export function openSlots(
  installed: readonly Installed[],
  open: ReturnType<typeof opener>,
  sums: ReturnType<typeof sumsOf>,
): readonly Slot[] {
  const suspicions = open('engine', sums);
  return installed.map(({ detector, config, weight }) => ({
    detector,
    config,
    weight,
    score: detector.score,
    learn: detector.learn,
    isCertain: detector.isCertain === true,
    judgesFailedLogins: detector.judgesFailedLogins === true,
    bitsMax: detector.bitsMax ?? BITS_MAX_DEFAULT,
    fields: open(detector.id, detector.remembers as Fields),
    suspicion: suspicions[`sum:${detector.id}`] as Suspicion,
  }));
}
