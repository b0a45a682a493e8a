import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../baseline/time.ts';
import type { CanonicalRecord } from './fleet.ts';
import { type Cast, isOneOf, isWorkday, recordAt, type Scenario, usualRecord, wholeTable } from './scenario.ts';
import { LOOT, theftOf } from './theft.ts';

/** From the push of a secret into a public place to its first use. */
const LEAK_TO_USE_MS = 75 * SECOND_MS;
const DRAIN_DAYS = 20;
const DRAIN_GROWTH = 1.05;
const DORMANT_DAYS = 25;

const theft = { kind: 'theft', scope: 'token' } as const;

/** What thieves do with a token. */
export const ATTACKS: readonly Scenario[] = [
  {
    ...theft,
    id: 'leaked-ci-token',
    about:
      'A CI token is pushed to a public repository; a minute later somebody at a hoster looks around and reads whole tables.',
    days: 1,
    befalls: isOneOf('ci'),
    play: ({ token, random, dayAt }) =>
      playOf(theftOf(token, `${random.next()}`, dayAt + random.below(23) * HOUR_MS + LEAK_TO_USE_MS)),
  },
  {
    ...theft,
    id: 'stage-and-copy',
    about: 'From the token’s own network, tables are gathered into a new one, which is then copied out in one go.',
    days: 1,
    befalls: isOneOf('service', 'nightly-job', 'bi-tool'),
    play: stageAndCopy,
  },
  {
    ...theft,
    id: 'slow-drain',
    about: 'In the token’s own hours, from its own network and tables, five per cent more are read every day.',
    days: DRAIN_DAYS,
    befalls: isOneOf('service', 'nightly-job', 'bi-tool'),
    play: slowDrain,
  },
  {
    ...theft,
    id: 'insider-at-night',
    about: 'Somebody who may use the token reads what is none of their business, at night, from the known network.',
    days: 1,
    befalls: isOneOf('person'),
    play: insiderAtNight,
  },
  {
    ...theft,
    id: 'cloned-token',
    about: 'A copy of the token does the same kind of work from another network, while the honest job goes on.',
    days: 1,
    befalls: isOneOf('service', 'bi-tool'),
    isDay: isWorkday,
    play: clonedToken,
  },
  {
    ...theft,
    id: 'dormant-key-wakes',
    about: 'A key that nobody has used for weeks is used from a hoster, on the tables it was made for.',
    days: 1,
    befalls: isOneOf('rarely-used'),
    daysBefore: 2 * DORMANT_DAYS,
    play: dormantKeyWakes,
  },
  {
    ...theft,
    id: 'blind-the-detector',
    about: 'A huge statement and hundreds of invented tables, to fill what is remembered; then an export.',
    days: 1,
    befalls: isOneOf('service', 'bi-tool'),
    play: blindTheDetector,
  },
  {
    ...theft,
    id: 'mimicry',
    about:
      'For one day, somebody does half as much again as the token does: its tables, its hours, its network, its amounts.',
    days: 1,
    befalls: ({ habit }) => habit !== 'rarely-used',
    isDay: isWorkday,
    play: mimicry,
  },
];

function playOf(added: readonly CanonicalRecord[]) {
  const times = added.map(({ time }) => Date.parse(time));
  return { fromAt: Math.min(...times), untilAt: Math.max(...times), added };
}

function hosterAddress({ random }: Cast): string {
  return `198.51.100.${10 + random.below(200)}`;
}

function stageAndCopy(cast: Cast) {
  const { token, random, dayAt } = cast;
  let at = dayAt + (token.startHour + random.below(4)) * HOUR_MS;
  const next = () => {
    at += Math.round(random.logNormal(4 * SECOND_MS, 0.5));
    return at;
  };
  const stage = 'public.tmp_export';
  const made = recordAt(usualRecord(cast, at), next(), {
    operation: 'create',
    tables: [stage],
    statement: `CREATE TABLE ${stage} (source text, line jsonb)`,
    rows: 0,
    bytes: 0,
  });
  let gathered = 0;
  const filled = [...LOOT, ...token.tables.slice(0, 3)].map((table) => {
    const rows = Math.round(random.logNormal(20_000, 0.6));
    gathered += rows;
    return recordAt(made, next(), {
      operation: 'insert',
      tables: [stage, table],
      statement: `INSERT INTO ${stage} SELECT $1, to_jsonb(t) FROM ${table} t`,
      rows,
      bytes: 0,
    });
  });
  const copied = recordAt(made, next(), {
    operation: 'copy',
    statement: `COPY ${stage} TO STDOUT`,
    rows: gathered,
    bytes: gathered * 180,
  });
  return playOf([made, ...filled, copied]);
}

function slowDrain({ random, dayAt, ordinary }: Cast) {
  const added: CanonicalRecord[] = [];
  for (let day = 1; day <= DRAIN_DAYS; day++) {
    const own = ordinary(dayAt + (day - 1) * DAY_MS);
    const count = Math.round(own.length * (DRAIN_GROWTH ** day - 1));
    for (let i = 0; i < count; i++) added.push(nearby(random.pick(own), random.below(10 * MINUTE_MS)));
  }
  return { fromAt: dayAt, untilAt: dayAt + DRAIN_DAYS * DAY_MS - 1, added };
}

/** The same once more, a little later on the same day. */
function nearby(record: CanonicalRecord, afterMs: number): CanonicalRecord {
  const at = Date.parse(record.time);
  const dayEndsAt = (Math.floor(at / DAY_MS) + 1) * DAY_MS;
  return recordAt(record, Math.min(at + afterMs, dayEndsAt - 1));
}

function insiderAtNight(cast: Cast) {
  const { token, random, dayAt } = cast;
  let at = dayAt + 2 * HOUR_MS + random.below(2 * HOUR_MS);
  const tables = [...LOOT, ...token.tables.slice(-4)];
  return playOf(
    Array.from({ length: 30 }, () => {
      at += Math.round(random.logNormal(80 * SECOND_MS, 0.6));
      return recordAt(
        usualRecord(cast, at),
        at,
        wholeTable(random.pick(tables), Math.round(random.logNormal(1500, 0.7))),
      );
    }),
  );
}

function clonedToken(cast: Cast) {
  const { random, dayAt, ordinary } = cast;
  const own = ordinary(dayAt);
  const fromAt = Date.parse((own[Math.floor(own.length / 4)] as CanonicalRecord).time);
  const address = hosterAddress(cast);
  const during = own.filter(({ time }) => Date.parse(time) >= fromAt && Date.parse(time) < fromAt + 6 * HOUR_MS);
  const copied = during.map((record) =>
    recordAt(record, Date.parse(record.time) + 1000 + random.below(MINUTE_MS), { source_ip: address }),
  );
  return playOf(copied);
}

function dormantKeyWakes(cast: Cast) {
  const { token, random, dayAt } = cast;
  const address = hosterAddress(cast);
  let at = dayAt + random.below(24) * HOUR_MS;
  const added = Array.from({ length: 15 }, () => {
    at += Math.round(random.logNormal(8 * SECOND_MS, 0.5));
    const rows = Math.round(random.logNormal(4 * token.rowsMedian, 0.5));
    return recordAt(usualRecord(cast, at), at, { ...wholeTable(random.pick(token.tables), rows), source_ip: address });
  });
  const silentFrom = dayAt - DORMANT_DAYS * DAY_MS;
  const change = (record: CanonicalRecord, when: number) => (when >= silentFrom ? null : record);
  return { ...playOf(added), change };
}

function blindTheDetector(cast: Cast) {
  const { random, dayAt } = cast;
  const address = hosterAddress(cast);
  let at = dayAt + random.below(22) * HOUR_MS;
  const query = (facts: Partial<CanonicalRecord>) => {
    at += 50 + random.below(200);
    return recordAt(usualRecord(cast, at), at, { source_ip: address, ...facts });
  };
  const huge = query({ statement: `SELECT ${'1 + '.repeat(1900)}1` });
  const invented = Array.from({ length: 300 }, (_, i) =>
    query({ ...wholeTable(`public.t${i}_${random.below(1e6)}`, 0), success: false }),
  );
  const exported = LOOT.map((table) => query(wholeTable(table, Math.round(random.logNormal(20_000, 0.5)))));
  return playOf([huge, ...invented, ...exported]);
}

function mimicry({ random, dayAt, ordinary }: Cast) {
  const own = ordinary(dayAt);
  return playOf(own.filter((_, i) => i % 2 === 0).map((record) => nearby(record, random.below(10 * MINUTE_MS))));
}
