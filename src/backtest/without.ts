import type { Assessment } from '../domain/finding.ts';

interface Episode {
  scoreMax: number;
  /** Highest score without each detector that was named so far. */
  readonly without: Map<string, number>;
}

/**
 * How high each episode's score would have come without one of the detectors, all else being as it was learned with it. Only what was told is
 * known, which is an episode's opening and each bit more: so an episode may have come up to a bit higher than is said here.
 */
export class ScoresWithout {
  readonly #episodes = new Map<string, Episode>();

  observe({
    token,
    episode,
    score,
    findings,
  }: Pick<Assessment, 'token' | 'episode' | 'score'> & {
    readonly findings: readonly Pick<Assessment['findings'][number], 'detector' | 'scoreWithout'>[];
  }): void {
    const key = keyOf(token, episode);
    const known = this.#episodes.get(key) ?? { scoreMax: Number.NEGATIVE_INFINITY, without: new Map() };
    this.#episodes.set(key, known);
    // Who was not named before has added nothing until now.
    for (const { detector } of findings) if (!known.without.has(detector)) known.without.set(detector, known.scoreMax);
    const now = new Map(findings.map(({ detector, scoreWithout }) => [detector, scoreWithout]));
    for (const [detector, most] of known.without)
      known.without.set(detector, Math.max(most, now.get(detector) ?? score));
    known.scoreMax = Math.max(known.scoreMax, score);
  }

  /** Bits by detector, of those that were named in the episode. */
  of({ token, episode }: Pick<Assessment, 'token' | 'episode'>): ReadonlyMap<string, number> {
    return this.#episodes.get(keyOf(token, episode))?.without ?? new Map();
  }
}

function keyOf(token: string, episode: string): string {
  return `${token}\u0000${episode}`;
}
