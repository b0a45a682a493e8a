import type { Method, Scores, SharedLog } from './scored-log.ts';

/** Half-lives, in events of the token. A thief seldom leaves it at one, so that what stays high says more than what was high once. */
const HALF_LIVES = [4, 16];

/** The method's scores as they are, and smoothed over each token's events (an exponentially weighted mean). */
export function withSmoothing({ name, score }: Method): Method {
  return {
    name,
    async score(log) {
      const raw = await score(log);
      return new Map(
        [...raw].flatMap(([variant, scores]) => [
          [variant, scores] as const,
          ...HALF_LIVES.map((halfLife) => [`${variant}, smoothed ${halfLife}`, smooth(log, scores, halfLife)] as const),
        ]),
      );
    },
  };
}

function smooth({ events }: SharedLog, scores: Scores, halfLife: number): Scores {
  const share = 1 - 0.5 ** (1 / halfLife);
  const means = new Map<string, number>();
  return scores.map((score, index) => {
    const token = events[index]?.token ?? '';
    const before = means.get(token);
    if (Number.isNaN(score)) return Number.NaN;
    const mean = before === undefined ? score : before + share * (score - before);
    means.set(token, mean);
    return mean;
  });
}
