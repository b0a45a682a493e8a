import { DAY_MS, HOUR_MS, MINUTE_MS } from '../baseline/time.ts';
import type { Operation } from '../domain/audit-event.ts';
import { createRandom, type Random } from '../domain/random.ts';

/**
 * Made-up fleets of tokens with the habits of real ones: services around the clock, nightly jobs, BI tools, people in office hours, CI
 * runners whose addresses change, credentials that are hardly used. For the demo, the traffic generator and the tests; each day is a
 * function of the seed, so any stretch of time can be made without the one before it.
 */
export interface Fleet {
  readonly tokens: readonly SimulatedToken[];
}

/** A canonical event, as a source would write it. */
export interface CanonicalRecord {
  readonly time: string;
  readonly token: string;
  readonly principal: string;
  readonly source_ip: string;
  readonly database: string;
  readonly operation: Operation;
  readonly tables: readonly string[];
  readonly statement: string;
  readonly rows: number;
  readonly bytes: number;
  readonly success: boolean;
  readonly app: string;
  readonly session: string;
}

export const HABITS = ['service', 'nightly-job', 'bi-tool', 'person', 'ci', 'rarely-used'] as const;
export type Habit = (typeof HABITS)[number];

export interface SimulatedToken {
  readonly token: string;
  readonly principal: string;
  readonly habit: Habit;
  readonly database: string;
  readonly application: string;
  /** The tables it works with, the usual ones first. */
  readonly tables: readonly string[];
  /** The /24 networks it comes from, the usual one first, as `a.b.c`. */
  readonly networks: readonly string[];
  /** First working hour, UTC. */
  readonly startHour: number;
  readonly statementsPerHour: number;
  readonly rowsMedian: number;
  readonly rowsSpread: number;
  readonly failureRate: number;
}

const SHARES: readonly (readonly [Habit, number])[] = [
  ['service', 0.4],
  ['nightly-job', 0.18],
  ['bi-tool', 0.08],
  ['person', 0.18],
  ['ci', 0.08],
  ['rarely-used', 0.08],
];

const SUBJECTS = [
  'orders',
  'billing',
  'stock',
  'search',
  'mail',
  'users',
  'ledger',
  'fraud',
  'ads',
  'reviews',
  'shipping',
  'pricing',
];
const PARTS = [
  'items',
  'events',
  'totals',
  'history',
  'status',
  'notes',
  'limits',
  'tags',
  'sources',
  'targets',
  'errors',
  'batches',
];
const PEOPLE = [
  'ada',
  'grace',
  'edsger',
  'barbara',
  'alan',
  'radia',
  'ken',
  'frances',
  'niklaus',
  'lynn',
  'john',
  'jean',
];

/** A fleet of `tokenCount` tokens. */
export function createFleet(seed: string, tokenCount: number): Fleet {
  const tokens = Array.from({ length: tokenCount }, (_, index) =>
    createToken(createRandom(`${seed}/token/${index}`), index, tokenCount),
  );
  return { tokens };
}

function createToken(random: Random, index: number, tokenCount: number): SimulatedToken {
  const habit = habitAt((index + 0.5) / tokenCount);
  const subject = random.pick(SUBJECTS);
  const name = habit === 'person' ? `${random.pick(PEOPLE)}-${index}` : `${subject}-${habit}-${index}`;
  const tableCount = { service: 4, 'nightly-job': 5, 'bi-tool': 60, person: 14, ci: 8, 'rarely-used': 2 }[habit];
  return {
    token: `tok-${name}`,
    principal: habit === 'person' ? `${name}@example.com` : `svc-${name}`,
    habit,
    database: ['nightly-job', 'bi-tool'].includes(habit) ? 'warehouse' : `${subject}_db`,
    application: {
      service: 'node-postgres',
      'nightly-job': 'airflow',
      'bi-tool': 'metabase',
      person: 'psql',
      ci: 'flyway',
      'rarely-used': 'pg_dump',
    }[habit],
    tables: tablesOf(random, subject, tableCount),
    networks: networksOf(random, habit),
    startHour: habit === 'nightly-job' ? random.below(6) : 6 + random.below(3),
    statementsPerHour: random.logNormal(
      { service: 12, 'nightly-job': 30, 'bi-tool': 12, person: 5, ci: 9, 'rarely-used': 3 }[habit],
      0.5,
    ),
    rowsMedian: random.logNormal(
      { service: 8, 'nightly-job': 3000, 'bi-tool': 300, person: 40, ci: 3, 'rarely-used': 50 }[habit],
      0.7,
    ),
    rowsSpread: { service: 0.7, 'nightly-job': 0.4, 'bi-tool': 1.8, person: 1.5, ci: 0.8, 'rarely-used': 0.6 }[habit],
    failureRate: { service: 0.001, 'nightly-job': 0.002, 'bi-tool': 0.02, person: 0.05, ci: 0.03, 'rarely-used': 0 }[
      habit
    ],
  };
}

function habitAt(share: number): Habit {
  let from = 0;
  for (const [habit, width] of SHARES) {
    from += width;
    if (share < from) return habit;
  }
  return 'service';
}

function tablesOf(random: Random, subject: string, count: number): readonly string[] {
  const tables = new Set<string>([`public.${subject}`]);
  while (tables.size < count) tables.add(`public.${random.pick(SUBJECTS)}_${random.pick(PARTS)}`);
  return [...tables];
}

function networksOf(random: Random, habit: Habit): readonly string[] {
  const count = { service: 2, 'nightly-job': 1, 'bi-tool': 1, person: 3, ci: 40, 'rarely-used': 1 }[habit];
  const site = habit === 'ci' ? 100 : 10;
  return Array.from({ length: count }, () => `${site}.${64 + random.below(40)}.${random.below(250)}`);
}

/** One token's events of the UTC day that begins at `dayStartAt`, in order of time. */
export function dayOfToken(token: SimulatedToken, seed: string, dayStartAt: number): readonly CanonicalRecord[] {
  const day = Math.floor(dayStartAt / DAY_MS);
  const random = createRandom(`${seed}/${token.token}/day/${day}`);
  const weekday = (day + 3) % 7;
  const records: CanonicalRecord[] = [];
  for (let hour = 0; hour < 24; hour++) {
    const mean = token.statementsPerHour * activityOf(token, random, hour, weekday);
    const count = mean === 0 ? 0 : random.poisson(mean);
    for (let i = 0; i < count; i++) {
      records.push(recordOf(token, random, dayStartAt + hour * HOUR_MS + random.below(HOUR_MS)));
    }
  }
  return records.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

/** Share of its hourly rate that a token shows in this hour of this day. */
function activityOf(token: SimulatedToken, random: Random, hour: number, weekday: number): number {
  const weekend = weekday >= 5;
  const sinceStart = hour - token.startHour;
  const inOfficeHours = !weekend && sinceStart >= 0 && sinceStart < 9;
  switch (token.habit) {
    case 'service':
      return (weekend ? 0.6 : 1) * (0.35 + 0.65 * Math.max(0, Math.sin(((hour - 4) / 24) * Math.PI)));
    case 'nightly-job':
      return sinceStart === 0 ? 1 : 0;
    case 'bi-tool':
    case 'ci':
      return inOfficeHours ? 1 : 0;
    case 'person':
      if (inOfficeHours) return random.next() < 0.7 ? 1 : 0;
      return !weekend && sinceStart >= 9 && sinceStart < 13 && random.next() < 0.05 ? 0.5 : 0;
    case 'rarely-used':
      return weekday === token.startHour % 5 && hour === token.startHour ? 1 : 0;
    default:
      return token.habit satisfies never;
  }
}

function recordOf(token: SimulatedToken, random: Random, at: number): CanonicalRecord {
  const table =
    token.habit === 'service' || token.habit === 'nightly-job'
      ? random.pick(token.tables)
      : random.pickZipf(token.tables);
  const network = token.habit === 'ci' ? random.pick(token.networks) : random.pickZipf(token.networks);
  const operation =
    token.habit === 'ci'
      ? random.pick(['select', 'insert', 'alter'] as const)
      : random.next() < 0.85
        ? 'select'
        : 'update';
  const success = random.next() >= token.failureRate;
  const rows = success ? Math.max(0, Math.round(random.logNormal(token.rowsMedian, token.rowsSpread))) : 0;
  return {
    time: new Date(at).toISOString(),
    token: token.token,
    principal: token.principal,
    source_ip: `${network}.${10 + random.below(token.habit === 'ci' ? 200 : 4)}`,
    database: token.database,
    operation,
    tables: [table],
    statement: statementOf(operation, table),
    rows,
    bytes: rows * (80 + random.below(60)),
    success,
    app: token.application,
    session: `${token.token}-${Math.floor(at / (20 * MINUTE_MS))}`,
  };
}

/** A statement as the fleet's applications write it. */
export function statementOf(operation: 'select' | 'insert' | 'alter' | 'create' | 'update', table: string): string {
  switch (operation) {
    case 'select':
      return `SELECT * FROM ${table} WHERE id = $1`;
    case 'insert':
      return `INSERT INTO ${table} VALUES ($1, $2)`;
    case 'alter':
      return `ALTER TABLE ${table} ADD COLUMN note text`;
    case 'create':
      return `CREATE TABLE ${table} (id bigint)`;
    case 'update':
      return `UPDATE ${table} SET status = $1 WHERE id = $2`;
    default:
      return operation satisfies never;
  }
}

/** All tokens' events of one UTC day, in order of time. */
export function dayOfFleet(fleet: Fleet, seed: string, dayStartAt: number): readonly CanonicalRecord[] {
  return fleet.tokens
    .flatMap((token) => dayOfToken(token, seed, dayStartAt))
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}
