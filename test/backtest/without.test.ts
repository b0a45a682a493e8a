import { describe, expect, it } from 'vitest';
import { ScoresWithout } from '../../src/backtest/without.ts';

const EPISODE = { token: 'a', episode: 'kafka/0/1' };

function scoresOf(...assessments: readonly (readonly [score: number, without: Readonly<Record<string, number>>])[]) {
  const scores = new ScoresWithout();
  for (const [score, without] of assessments) {
    const findings = Object.entries(without).map(([detector, scoreWithout]) => ({ detector, scoreWithout }));
    scores.observe({ ...EPISODE, score, findings });
  }
  return Object.fromEntries(scores.of(EPISODE));
}

describe('an episode without one of its detectors', () => {
  it('comes as high as its highest assessment would have', () => {
    expect(scoresOf([15, { 'new-table': 9, 'off-hours': 12 }], [18, { 'new-table': 14, 'off-hours': 11 }])).toEqual({
      'new-table': 14,
      'off-hours': 12,
    });
  });

  it('loses nothing where that detector was not named, before or after', () => {
    expect(scoresOf([15, { 'new-table': 3 }], [16, { 'off-hours': 4 }])).toEqual({ 'new-table': 16, 'off-hours': 15 });
  });

  it('is not another token’s or another episode', () => {
    const scores = new ScoresWithout();
    scores.observe({ ...EPISODE, score: 15, findings: [{ detector: 'new-table', scoreWithout: 9 }] });
    expect([...scores.of({ ...EPISODE, token: 'b' }), ...scores.of({ ...EPISODE, episode: 'kafka/0/2' })]).toEqual([]);
  });
});
