import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { Engine } from '../../src/detect/engine.ts';
import { keyCheckOf, type Rollback } from '../../src/detect/rollback.ts';
import { readSnapshot } from '../../src/detect/snapshot.ts';
import { detectors, engineOf, feed, ordinary, START, stolen, THEFT_AT } from './tokens-life.ts';

const nameOf = (hash: number) => String(hash);
const nobody = () => undefined;
const AT = THEFT_AT + HOUR_MS;

/** Before a theft, and after it. */
function robbed(): { readonly engine: Engine; readonly before: Uint8Array } {
  const engine = engineOf();
  feed(engine, ordinary('svc'));
  const before = engine.snapshot('svc') as Uint8Array;
  feed(engine, stolen('svc', 200), 1000);
  return { engine, before };
}

function rollbackOf(snapshot: Uint8Array, more: Partial<Rollback> = {}): Rollback {
  const common = { token: 'svc', at: AT, to: THEFT_AT - 1, detectors: null, keyCheck: keyCheckOf(7), by: 'ann' };
  return { ...common, snapshot, ...more };
}

const hex = (engine: Engine) => Buffer.from(engine.snapshot('svc') as Uint8Array).toString('hex');

/** The bytes of each field by its name. */
function placesOf({ layout }: Engine, snapshot: Uint8Array): ReadonlyMap<string, string> {
  const { record } = readSnapshot(snapshot);
  const bytes = (offset: number, size: number) => Buffer.from(record.subarray(offset, offset + size)).toString('hex');
  return new Map(layout.places.map(({ name, offset, sizeBytes }) => [name, bytes(offset, sizeBytes)]));
}

/** A sum and its days, as of detectors that are certain. */
const PLAIN_HEX = 16;
const FACTS = ['new-network/lastArrival', 'dormant-token/lastUsed'];

describe('Engine: rollbacks', () => {
  it('put back all that detectors remember, and leave what is so', () => {
    const { engine, before } = robbed();
    const robbedPlaces = placesOf(engine, engine.snapshot('svc') as Uint8Array);
    const { notes } = readSnapshot(engine.snapshot('svc') as Uint8Array);
    expect(engine.rollBack(rollbackOf(before), 2000, nobody)).toBe('done');
    const then = placesOf(engine, before);
    const now = placesOf(engine, engine.snapshot('svc') as Uint8Array);
    const own = ['header', 'openSums', 'closedDay', 'answers', 'rolledBack'].map((name) => `engine/${name}`);
    for (const [name, bytes] of now) {
      if (own.includes(name)) continue;
      if (FACTS.includes(name)) expect({ name, bytes }).toEqual({ name, bytes: robbedPlaces.get(name) });
      else if (!name.startsWith('engine/sum:')) expect({ name, bytes }).toEqual({ name, bytes: then.get(name) });
      else {
        // What is open now and (where days are compared) how high it was today, then what the days before have left.
        const today = bytes.length === PLAIN_HEX ? [bytes.slice(0, 8)] : [bytes.slice(0, 8), bytes.slice(8, 16)];
        const open = robbedPlaces.get(name)?.slice(0, 8);
        expect(today).toEqual(today.map(() => open));
        expect(bytes.slice(8 * today.length)).toBe(then.get(name)?.slice(8 * today.length));
      }
    }
    expect(readSnapshot(engine.snapshot('svc') as Uint8Array).notes).toBe(notes);
    expect(notes).toContain('svc/stolen/0');
    expect(engine.summary('svc')).toMatchObject({
      firstSeenAt: START + 8 * HOUR_MS,
      lastSeenAt: THEFT_AT + 199 * 400,
      eventCount: 632,
      rolledBack: { at: AT, to: THEFT_AT - 1 },
    });
    expect(Math.max(...(engine.summary('svc')?.suspicions.map(({ sum }) => sum) ?? []))).toBeGreaterThan(4);
  });

  it('take back no report of a leak', () => {
    const { engine, before } = robbed();
    engine.takeAside({ notice: { kind: 'leaked', token: 'svc', at: AT - 1, stands: true } }, 1999);
    expect(engine.rollBack(rollbackOf(before), 2000, nobody)).toBe('done');
    expect(engine.facts('svc', nameOf)).toContainEqual({
      detector: 'leaked-report',
      what: expect.any(String),
      value: `given at ${new Date(AT - 1).toISOString()}`,
    });
  });

  it('after a true-positive have what comes then judged as if the theft had not been', () => {
    const again = stolen('svc').map((event) => ({ ...event, id: `${event.id}+`, at: event.at + 2 * DAY_MS }));
    const { engine, before } = robbed();
    const verdict = { kind: 'true-positive', token: 'svc', episode: 'svc/stolen/0', openedAt: THEFT_AT } as const;
    engine.takeAside({ verdict: { ...verdict, at: AT - 1, until: null } }, 1999);
    engine.rollBack(rollbackOf(before), 2000, nobody);
    const untouched = engineOf();
    feed(untouched, ordinary('svc'));
    const [told] = feed(engine, again, 3000);
    const [first] = feed(untouched, again, 1000);
    const [taught] = feed(robbed().engine, again, 3000);
    const tableBits = (assessment: typeof told) =>
      assessment?.findings.find(({ detector }) => detector === 'new-table')?.bits;
    expect(tableBits(told)).toBe(tableBits(first));
    expect(told?.score).toBeGreaterThan(0.95 * (first?.score ?? Number.NaN));
    expect(tableBits(taught)).not.toBe(tableBits(first));
  });

  it('are no long sleep: a token that was put back far is not dormant', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc').slice(0, 72));
    const early = engine.snapshot('svc') as Uint8Array;
    const days = Array.from({ length: 60 }, (_, day) =>
      ordinary('svc')
        .slice(0, 36)
        .map((event, i) => ({ ...event, id: `l${day}/${i}`, at: event.at + (2 + day) * DAY_MS })),
    );
    feed(engine, days.flat(), 1000);
    engine.rollBack(rollbackOf(early, { at: START + 62 * DAY_MS, to: START + 2 * DAY_MS }), 9000, nobody);
    const next = (days[0] ?? []).map((event, i) => ({ ...event, id: `n${i}`, at: event.at + 60 * DAY_MS }));
    expect(feed(engine, next, 9001)).toEqual([]);
    const dormant = engine.summary('svc')?.suspicions.find(({ detector }) => detector === 'dormant-token');
    expect(dormant?.sum).toBe(0);
  });

  it('end the trust that was given to what is taken back', () => {
    const { engine, before } = robbed();
    const verdict = { kind: 'expected', token: 'svc', episode: 'svc/stolen/0', openedAt: THEFT_AT } as const;
    engine.takeAside({ verdict: { ...verdict, at: AT - 1, until: AT + 30 * DAY_MS } }, 1999);
    const trusted = placesOf(engine, engine.snapshot('svc') as Uint8Array)
      .get('engine/answers')
      ?.slice(16);
    engine.rollBack(rollbackOf(before), 2000, nobody);
    const after = placesOf(engine, engine.snapshot('svc') as Uint8Array)
      .get('engine/answers')
      ?.slice(16);
    expect(trusted).not.toBe('00'.repeat(8));
    expect(after).toBe('00'.repeat(8));
  });

  it('are done once: neither a second copy nor one that was overtaken changes more than the stamp', () => {
    const { engine, before } = robbed();
    engine.rollBack(rollbackOf(before), 2000, nobody);
    feed(
      engine,
      stolen('svc', 20).map((event) => ({ ...event, at: event.at + DAY_MS })),
      3000,
    );
    const { record } = readSnapshot(engine.snapshot('svc') as Uint8Array);
    const known = Buffer.from(record.subarray(8)).toString('hex');
    expect(engine.rollBack(rollbackOf(before), 2000, nobody)).toBe('repeated');
    expect(engine.rollBack(rollbackOf(before), 4000, nobody)).toBe('repeated');
    expect(engine.rollBack(rollbackOf(before, { at: AT - 5 }), 4001, nobody)).toBe('repeated');
    const after = readSnapshot(engine.snapshot('svc') as Uint8Array).record;
    expect(Buffer.from(after.subarray(8)).toString('hex')).toBe(known);
    expect(Buffer.from(after).readDoubleLE(0)).toBe(4002);
  });

  it('are refused where they cannot be read, and change nothing then', () => {
    const { engine, before } = robbed();
    const other = Buffer.from(before);
    other.write('0123456789abcdef', 8, 'latin1');
    const places = () => new Map([...placesOf(engine, engine.snapshot('svc') as Uint8Array)].slice(1));
    const known = places();
    expect(engine.rollBack(rollbackOf(before, { token: 'nobody' }), 2000, nobody)).toBe('unknown-token');
    expect(engine.rollBack(rollbackOf(other), 2001, nobody)).toBe('unknown-layout');
    expect(engine.rollBack(rollbackOf(before, { keyCheck: 1 }), 2002, nobody)).toBe('other-key');
    expect(engine.rollBack(rollbackOf(before.subarray(0, 900)), 2003, nobody)).toBe('damaged');
    expect(places()).toEqual(known);
    expect(engine.tokenCount).toBe(1);
    // What is wrong may come right, and is asked for anew.
    expect(engine.rollBack(rollbackOf(before), 2004, nobody)).toBe('done');
  });

  it('remember the earliest time that was ever put back', () => {
    const { engine, before } = robbed();
    engine.rollBack(rollbackOf(before, { to: 100 }), 2000, nobody);
    engine.rollBack(rollbackOf(before, { to: 300, at: AT + 1 }), 2001, nobody);
    expect(engine.summary('svc')?.rolledBack).toEqual({ at: AT + 1, to: 100 });
  });

  it('of some detectors have those learn the past, and leave all others to the byte', () => {
    const fresh = detectors.filter(({ id }) => !['new-table', 'dormant-token'].includes(id));
    const old = engineOf({}, fresh);
    feed(old, ordinary('svc'));
    // A release with two detectors more.
    const engine = engineOf();
    engine.restore('svc', old.snapshot('svc') as Uint8Array, () => old.layout);
    const past = engineOf();
    feed(past, ordinary('svc'));
    const before = placesOf(engine, engine.snapshot('svc') as Uint8Array);
    const added = ['new-table', 'dormant-token'];
    const rebuild = rollbackOf(past.snapshot('svc') as Uint8Array, { detectors: added });
    expect(engine.rollBack(rebuild, 2000, nobody)).toBe('done');
    const factsOf = (of: Engine) => of.facts('svc', nameOf)?.filter(({ detector }) => added.includes(detector ?? ''));
    expect(factsOf(engine)).toEqual(factsOf(past));
    expect(factsOf(engine)?.length).toBeGreaterThan(5);
    for (const [name, bytes] of placesOf(engine, engine.snapshot('svc') as Uint8Array)) {
      const isTheirs = added.some((id) => name.startsWith(`${id}/`) || name === `engine/sum:${id}`);
      if (!isTheirs && !['engine/header', 'engine/rolledBack'].includes(name))
        expect({ name, bytes }).toEqual({ name, bytes: before.get(name) });
    }
    expect(engine.summary('svc')?.rolledBack).toEqual({ at: AT, to: 0 });
  });

  it('of an earlier release leave what that did not know as it is', () => {
    const fewer = engineOf(
      {},
      detectors.filter(({ id }) => id !== 'new-table'),
    );
    feed(fewer, ordinary('svc'));
    const { engine } = robbed();
    const tables = placesOf(engine, engine.snapshot('svc') as Uint8Array).get('new-table/tables');
    const rollback = rollbackOf(fewer.snapshot('svc') as Uint8Array);
    expect(
      engine.rollBack(rollback, 2000, (name) => (name === fewer.layout.fingerprint ? fewer.layout : undefined)),
    ).toBe('done');
    const after = placesOf(engine, engine.snapshot('svc') as Uint8Array);
    expect(after.get('new-table/tables')).toBe(tables);
    const then = placesOf(fewer, fewer.snapshot('svc') as Uint8Array);
    expect(after.get('new-network/prefixes')).toBe(then.get('new-network/prefixes'));
  });

  it('come to the same after a restart in between', () => {
    const { engine, before } = robbed();
    const second = engineOf();
    second.restore('svc', engine.snapshot('svc') as Uint8Array, nobody);
    engine.rollBack(rollbackOf(before), 2000, nobody);
    second.rollBack(rollbackOf(before), 2000, nobody);
    expect(hex(second)).toBe(hex(engine));
    const third = engineOf();
    third.restore('svc', engine.snapshot('svc') as Uint8Array, nobody);
    expect(third.rollBack(rollbackOf(before), 2000, nobody)).toBe('repeated');
    expect(hex(third)).toBe(hex(engine));
  });
});
