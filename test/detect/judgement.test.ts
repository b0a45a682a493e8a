import { describe, expect, it } from 'vitest';
import { Judgement } from '../../src/detect/judgement.ts';

/** What a fused sum is worth, for these: its square root. */
const worth = Math.sqrt;

describe('Judgement', () => {
  const judgement = new Judgement([false, false, true, false]);
  judgement.begin();
  for (const [i, bits] of [5, 4, 8, -1].entries()) judgement.hear(i, bits);
  judgement.weigh(0, 9, 9);
  judgement.weigh(1, 12, 7);
  judgement.assert(2, 18);
  judgement.settle(worth(judgement.fused));
  const contributions = [0, 1, 2, 3].map((i) => judgement.contributionOf(i));

  it('adds what is asserted to what the fused sum is worth, and contributions up to both', () => {
    expect(judgement.score).toBe(22);
    expect(contributions).toEqual([2.25, 1.75, 18, 0]);
    expect(judgement.bitsOf(3)).toBe(-1);
  });

  it('knows what was weighed apart from what of it is news', () => {
    expect([judgement.fused, judgement.whole]).toEqual([16, 21]);
  });

  it('knows the score without each', () => {
    expect([0, 1, 2, 3].map((i) => judgement.without(i, worth))).toEqual([18 + Math.sqrt(7), 21, 4, 22]);
  });

  it('remembers nothing of the event before', () => {
    judgement.begin();
    for (let i = 0; i < 4; i++) judgement.hear(i, 0);
    expect(judgement.score).toBe(0);
    expect([0, 1, 2, 3].map((i) => judgement.contributionOf(i))).toEqual([0, 0, 0, 0]);
  });

  it('is worth what is asserted, and without it nothing, where nothing is weighed', () => {
    judgement.begin();
    for (let i = 0; i < 4; i++) judgement.hear(i, 0);
    judgement.assert(2, 18);
    expect([judgement.score, judgement.without(2, worth)]).toEqual([18, 0]);
  });
});
