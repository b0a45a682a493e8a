import { expect, it } from 'vitest';
import offRhythm from '../../detectors/off-rhythm.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { CaseEvent } from '../../src/detect/detector.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { engineOf, feed } from './tokens-life.ts';

it.each([
  ['somebody works with a clerk’s token at night', 'when'],
  // `volume-spike` sees the same uses: two dimensions would be enough to revoke.
  ['somebody works beside the clerk, ten times as much', 'how-much'],
])('off-rhythm: %s: the finding is one of %s', (name, dimension) => {
  const { history = [], events = [] } = offRhythm.cases.find((one) => one.name === name) ?? {};
  const engine = engineOf({ thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }) });
  const lived = (life: readonly CaseEvent[]) =>
    life.map((event) => ({ ...blankEvent(`e/${event.at}`, 'clerk', event.at), ...event }));
  feed(engine, lived(history));
  const told = feed(engine, lived(events), 10_000).flatMap(({ findings }) => findings);
  const own = told.filter(({ detector }) => detector === offRhythm.id);
  expect(new Set(own.map((finding) => finding.dimension))).toEqual(new Set([dimension]));
});
