import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../baseline/time.ts';
import type { Random } from '../domain/random.ts';
import { type CanonicalRecord, type SimulatedToken, statementOf } from './fleet.ts';
import { type Cast, isOneOf, isWeekday, isWorkday, recordAt, type Scenario, usualRecord } from './scenario.ts';

const everybody = () => true;
const harmless = { kind: 'benign' } as const;
const AFTERWARDS_DAYS = 5;
const WEEK_MS = 7 * DAY_MS;

/** What happens to honest tokens, and looks odd. */
export const CONTROLS: readonly Scenario[] = [
  {
    ...harmless,
    id: 'deploy',
    about: 'CI makes twelve tables, and half an hour later a release of the service uses them.',
    scope: 'token',
    days: AFTERWARDS_DAYS,
    befalls: isOneOf('service'),
    isDay: isWorkday,
    play: deploy,
  },
  {
    ...harmless,
    id: 'new-address',
    about: 'The office or the cluster gets another outgoing address.',
    scope: 'token',
    days: AFTERWARDS_DAYS,
    befalls: isOneOf('service', 'person', 'nightly-job', 'bi-tool'),
    play: newAddress,
  },
  {
    ...harmless,
    id: 'quarter-end',
    about: 'The nightly job closes the quarter: six times the rows, in three times the statements.',
    scope: 'token',
    days: 1,
    befalls: isOneOf('nightly-job'),
    isDay: isWorkday,
    play: quarterEnd,
  },
  {
    ...harmless,
    id: 'pooler-failover',
    about: 'The connection pooler fails over: minutes of errors, then another address in the same network.',
    scope: 'token',
    days: 1,
    befalls: isOneOf('service'),
    isDay: isWorkday,
    play: poolerFailover,
  },
  {
    ...harmless,
    id: 'new-hire',
    about: 'A person begins to work with a token of their own.',
    scope: 'token',
    days: AFTERWARDS_DAYS,
    befalls: isOneOf('person'),
    play: ({ dayAt }) => {
      return { ...afterwards(dayAt), change: (record, at) => (at < dayAt ? null : record) };
    },
  },
  {
    ...harmless,
    id: 'late-events',
    about: 'The collector was down: two days of events arrive a day later, in one go.',
    scope: 'token',
    days: 4,
    befalls: isOneOf('service', 'bi-tool', 'person'),
    play: ({ dayAt }) => {
      const arriveAt = dayAt + 3 * DAY_MS;
      const isLate = (at: number) => at >= dayAt && at < dayAt + 2 * DAY_MS;
      return { fromAt: dayAt, untilAt: dayAt + 4 * DAY_MS - 1, delay: (at) => (isLate(at) ? arriveAt - at : 0) };
    },
  },
  {
    ...harmless,
    id: 'migration',
    about: 'Every table moves to another schema, for everybody on the same day.',
    scope: 'fleet',
    days: AFTERWARDS_DAYS,
    befalls: everybody,
    play: ({ dayAt }) => {
      const moved = (table: string) => table.replace(/^public\./, 'shop.');
      return {
        ...afterwards(dayAt),
        change: (record, at) =>
          at < dayAt
            ? record
            : recordAt(record, at, {
                tables: record.tables.map(moved),
                statement: record.statement.replaceAll('public.', 'shop.'),
              }),
      };
    },
  },
  {
    ...harmless,
    id: 'holiday',
    about: 'A day on which hardly anybody works, and a day after it on which they do.',
    scope: 'fleet',
    days: 2,
    isDay: isWeekday,
    befalls: isOneOf('person', 'bi-tool', 'ci'),
    play: ({ dayAt, random }) => {
      const isOff = (at: number) => at >= dayAt && at < dayAt + DAY_MS;
      return {
        fromAt: dayAt,
        untilAt: dayAt + 2 * DAY_MS - 1,
        change: (record, at) => (isOff(at) && random.next() < 0.9 ? null : record),
      };
    },
  },
  {
    ...harmless,
    id: 'daylight-saving',
    about: 'The clocks change: everybody who goes by local time comes an hour earlier.',
    scope: 'fleet',
    days: AFTERWARDS_DAYS,
    befalls: isOneOf('person', 'bi-tool', 'ci', 'nightly-job'),
    play: ({ dayAt }) => {
      return {
        ...afterwards(dayAt),
        change: (record, at) => (at < dayAt + HOUR_MS ? record : recordAt(record, at - HOUR_MS)),
      };
    },
  },
];

function afterwards(dayAt: number) {
  return { fromAt: dayAt, untilAt: dayAt + AFTERWARDS_DAYS * DAY_MS - 1 };
}

function deploy(cast: Cast) {
  const { random, dayAt } = cast;
  const deployedAt = dayAt + 10 * HOUR_MS + random.below(4 * HOUR_MS);
  const fresh = releasedTables(cast, 2, 12);
  const change = (record: CanonicalRecord, at: number) => {
    if (at < deployedAt || random.next() < 0.5) return record;
    const table = random.pick(fresh);
    return recordAt(record, at, { tables: [table], statement: statementOf('select', table) });
  };
  return { ...afterwards(dayAt), fromAt: deployedAt, added: migrationsOf(cast, fresh, deployedAt), change };
}

function releasedTables({ token: { token } }: Cast, version: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `public.${token.replaceAll('-', '_')}_v${version}_${i}`);
}

/** CI makes the tables half an hour before; it made one now and then, as smaller releases want. */
function migrationsOf(cast: Cast, fresh: readonly string[], deployedAt: number): readonly CanonicalRecord[] {
  const { fleet, random } = cast;
  const runners = fleet.tokens.filter(({ habit }) => habit === 'ci');
  if (runners.length === 0) return [];
  const runner = random.pick(runners);
  const earlier = releasedTables(cast, 1, 4).map((table, i, { length }) =>
    migrationOf([table], runner, deployedAt - (length - i) * WEEK_MS, random),
  );
  return [...earlier.flat(), ...migrationOf(fresh, runner, deployedAt - 30 * MINUTE_MS, random)];
}

/** Makes tables, each in a step of its own. */
function migrationOf(tables: readonly string[], token: SimulatedToken, fromAt: number, random: Random) {
  return tables.map((table, i) =>
    recordAt(usualRecord({ token, random }, fromAt), fromAt + i * 20 * SECOND_MS, {
      operation: 'create',
      tables: [table],
      statement: statementOf('create', table),
      rows: 0,
      bytes: 0,
    }),
  );
}

function newAddress({ random, dayAt }: Cast) {
  const movedAt = dayAt + random.below(24) * HOUR_MS;
  const network = `10.${110 + random.below(40)}.${random.below(250)}`;
  const moved = (address: string) => `${network}.${address.split('.')[3]}`;
  return {
    ...afterwards(dayAt),
    fromAt: movedAt,
    change: (record: CanonicalRecord, at: number) =>
      at < movedAt ? record : recordAt(record, at, { source_ip: moved(record.source_ip) }),
  };
}

function quarterEnd({ random, dayAt, ordinary }: Cast) {
  const more = (record: CanonicalRecord, at: number) =>
    recordAt(record, at, { rows: 2 * record.rows, bytes: 2 * record.bytes });
  const isThen = (at: number) => at >= dayAt && at < dayAt + DAY_MS;
  const again = ordinary(dayAt).flatMap((record) =>
    [1, 2].map(() => more(record, Date.parse(record.time) + random.below(40 * MINUTE_MS))),
  );
  return {
    fromAt: dayAt,
    untilAt: dayAt + DAY_MS - 1,
    added: again,
    change: (record: CanonicalRecord, at: number) => (isThen(at) ? more(record, at) : record),
  };
}

function poolerFailover({ random, dayAt }: Cast) {
  const failedAt = dayAt + (8 + random.below(8)) * HOUR_MS;
  const backAt = failedAt + 3 * HOUR_MS;
  const other = (address: string) => address.replace(/\.\d+$/, `.${100 + random.below(2)}`);
  return {
    fromAt: failedAt,
    untilAt: backAt,
    change: (record: CanonicalRecord, at: number) => {
      if (at < failedAt || at > backAt) return record;
      const source_ip = other(record.source_ip);
      if (at < failedAt + 5 * MINUTE_MS) return recordAt(record, at, { source_ip, success: false, rows: 0, bytes: 0 });
      return recordAt(record, at, { source_ip });
    },
  };
}
