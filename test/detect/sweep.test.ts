import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine } from '../../src/detect/engine.ts';
import { stampMaxOf, sweepWorthwhile } from '../../src/detect/sweep.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

const START = Date.UTC(2026, 8, 7);
const detectors = await loadDetectors();

function engineOf(tokensMax: number): Engine {
  return new Engine({
    installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
    hashSeed: 7,
    tokensMax,
    onFailure: (id, cause) => {
      throw new Error(id, { cause });
    },
  });
}

/** Feeds one event after the other, under offsets that go on. */
function feeder(engine: Engine) {
  let offset = 0;
  return (token: string, at: number) => {
    engine.observe(blankEvent(`e/${offset}`, token, at), offset, at);
    offset += 1;
  };
}

/** Twelve events over five days. */
function ripen(feed: ReturnType<typeof feeder>, tokens: readonly string[]): void {
  for (let i = 0; i < 12; i++) for (const token of tokens) feed(token, START + i * 10 * HOUR_MS);
}

describe('a full engine', () => {
  const mature = Array.from({ length: 60 }, (_, i) => `mature ${i}`);

  it('forgets invented tokens for new ones, and no mature one, ever', () => {
    const engine = engineOf(100);
    const feed = feeder(engine);
    ripen(feed, mature);
    const before = mature.map((token) => engine.snapshot(token));
    for (let i = 0; i < 20_000; i++) feed(`invented ${i}`, START + 6 * DAY_MS + i);
    expect(mature.map((token) => engine.snapshot(token))).toEqual(before);
    expect(engine.tokenCount).toBeLessThanOrEqual(100);
    expect(engine.takeUnadmittedCount()).toBe(0);
    expect(engine.snapshot('invented 0')).toBeUndefined();
    expect(engine.snapshot('invented 19999')).toBeDefined();
  });

  it('lets a new token that is used become mature in the midst of a flood', () => {
    const engine = engineOf(100);
    const feed = feeder(engine);
    ripen(feed, mature);
    const from = START + 6 * DAY_MS;
    for (let i = 0; i < 20_000; i++) {
      feed(`invented ${i}`, from + i * 20_000);
      if (i % 15 === 0) feed('honest', from + i * 20_000);
    }
    expect(engine.summary('honest')?.firstSeenAt).toBe(from);
  });

  it('refuses new tokens, and counts them, when hardly anyone is young', () => {
    const engine = engineOf(200);
    const feed = feeder(engine);
    ripen(
      feed,
      Array.from({ length: 198 }, (_, i) => `mature ${i}`),
    );
    for (let i = 0; i < 10; i++) feed(`invented ${i}`, START + 6 * DAY_MS);
    expect(engine.takeUnadmittedCount()).toBe(8);
    expect(engine.takeUnadmittedCount()).toBe(0);
    expect(engine.snapshot('invented 0')).toBeDefined();
    expect(engine.snapshot('mature 0')).toBeDefined();
  });

  it('gives a forgotten token’s place back empty', () => {
    const engine = engineOf(2);
    const feed = feeder(engine);
    for (let i = 0; i < 5; i++) feed('a', START + i);
    feed('b', START + 10);
    feed('c', START + 20);
    expect(engine.snapshot('a')).toBeUndefined();
    expect(engine.summary('c')).toMatchObject({ firstSeenAt: START + 20, eventCount: 1 });
  });

  it('takes events before a sweep for done, whoever’s they are', () => {
    const engine = engineOf(4);
    const feed = feeder(engine);
    for (const token of ['a', 'b', 'c', 'd', 'e']) feed(token, START);
    engine.takeReplayedCount();
    engine.observe(blankEvent('e/0', 'a', START), 0, START);
    expect(engine.takeReplayedCount()).toBe(1);
    expect(engine.snapshot('a')).toBeUndefined();
  });
});

describe('a sweep', () => {
  it('reaches the quietest, a quarter of all places at a time', () => {
    expect(stampMaxOf(Float64Array.of(50, 10, 40, 20, 30), 8)).toBe(20);
    expect(stampMaxOf(Float64Array.of(50, 10), 100)).toBe(50);
    expect(stampMaxOf(Float64Array.of(7), 1)).toBe(7);
  });

  it('is not worth its while for a few', () => {
    expect(sweepWorthwhile(0, 1)).toBe(false);
    expect(sweepWorthwhile(1, 1)).toBe(true);
    expect(sweepWorthwhile(9, 640)).toBe(false);
    expect(sweepWorthwhile(10, 640)).toBe(true);
  });
});
