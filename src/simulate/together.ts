import { DAY_MS, HOUR_MS, MINUTE_MS } from '../baseline/time.ts';
import type { CanonicalRecord } from './fleet.ts';
import { type Cast, isOneOf, isWeekday, type Play, recordAt, type Scenario } from './scenario.ts';

const MORNING_MS = 6 * HOUR_MS;
const together = { kind: 'benign', scope: 'fleet', days: 5 } as const;

/** What happens to many honest tokens on one day, beside the controls. */
export const TOGETHER: readonly Scenario[] = [
  {
    ...together,
    id: 'new-office',
    about: 'The company moves: people and their tools come from the network of another office, all from one day on.',
    isDay: isWeekday,
    befalls: isOneOf('person', 'bi-tool'),
    play: (cast) =>
      fromTheMorning(cast, (record, at) =>
        recordAt(record, at, { source_ip: `203.0.113.${record.source_ip.split('.')[3]}` }),
      ),
  },
  {
    ...together,
    id: 'driver-upgrade',
    about: 'All services go over to another driver, which calls itself otherwise and writes its statements otherwise.',
    isDay: isWeekday,
    befalls: isOneOf('service'),
    play: (cast) =>
      fromTheMorning(cast, (record, at) =>
        recordAt(record, at, { app: 'pgx/5.1', statement: `${record.statement} LIMIT $9` }),
      ),
  },
  {
    ...together,
    id: 'busy-day',
    about: 'A sale: from the morning on all services have four times as much to do as on other days.',
    days: 1,
    isDay: isWeekday,
    befalls: isOneOf('service'),
    play: busyDay,
  },
];

function busyDay({ dayAt, random, ordinary }: Cast): Play {
  const fromAt = dayAt + MORNING_MS;
  const untilAt = dayAt + DAY_MS - 1;
  const added = ordinary(dayAt)
    .map((record) => ({ record, at: Date.parse(record.time) }))
    .filter(({ at }) => at >= fromAt)
    .flatMap(({ record, at }) =>
      [1, 2, 3].map(() => recordAt(record, Math.min(untilAt, at + random.below(20 * MINUTE_MS)))),
    );
  return { fromAt, untilAt, added };
}

function fromTheMorning({ dayAt }: Cast, changed: (record: CanonicalRecord, at: number) => CanonicalRecord): Play {
  const fromAt = dayAt + MORNING_MS;
  return {
    fromAt,
    untilAt: dayAt + together.days * DAY_MS - 1,
    change: (record, at) => (at < fromAt ? record : changed(record, at)),
  };
}
