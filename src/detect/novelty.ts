import { z } from 'zod';
import type { SeenSetRead } from '../baseline/seen-set.ts';

/** The options by which a detector weighs whether a name is new, as `seenSet` wants them. @param words what each says, for the manual */
export function noveltyOptions(options: {
  readonly strangerRate: number;
  readonly priorRate: number;
  readonly words: { readonly strangerRate: string; readonly priorRate: string };
}) {
  const { strangerRate, priorRate, words } = options;
  return {
    strangerRate: z.number().min(0.05).max(0.99).default(strangerRate).describe(words.strangerRate),
    priorRate: z.number().min(0.001).max(0.9).default(priorRate).describe(words.priorRate),
    priorWeight: z.number().min(0.1).max(1000).default(8).describe('How many observations that expectation is worth.'),
  };
}

/** The name if it is not the owner's yet, as evidence has its `newNames`. */
export function ifNotKnown(seen: SeenSetRead, name: string | null): readonly string[] {
  return name === null || seen.standing(name) === 'known' ? [] : [name];
}
