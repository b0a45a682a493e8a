import { z } from 'zod';

/** What is known to have happened to a token, beside which detection is judged. */
export interface Label {
  /** Of the same name are taken together. */
  readonly scenario: string;
  /** `theft`: an alert is wanted. `benign`: something unusual for which nobody wants to be woken. */
  readonly kind: 'theft' | 'benign';
  readonly token: string;
  /** Ms since the epoch, both ends included. */
  readonly from: number;
  readonly until: number;
  /** What the thief did, where it is known apart from what the owner did meanwhile. In order of time. */
  readonly taken?: readonly Taken[];
}

/** One of the thief's events: when, in ms since the epoch, and how many rows left by it. */
export type Taken = readonly [at: number, rows: number];

const time = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time' }).transform((text) => Date.parse(text));

const labelSchema = z
  .strictObject({
    scenario: z.string().min(1),
    kind: z.enum(['theft', 'benign']).default('theft'),
    token: z.string().min(1),
    from: time,
    until: time,
    taken: z.array(z.tuple([time, z.number().nonnegative()])).optional(),
  })
  .refine(({ from, until }) => !(until < from), { error: '"until" lies before "from"', path: ['until'] });

/** A label from a line of JSON. @throws Error that says what is wrong with it */
export function parseLabel(line: string): Label {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error('not JSON');
  }
  const parsed = labelSchema.safeParse(value);
  if (parsed.success) return labelOf(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`);
  throw new Error(problems.join('; '));
}

function labelOf({ taken, ...label }: z.output<typeof labelSchema>): Label {
  return taken === undefined ? label : { ...label, taken: taken.toSorted(([a], [b]) => a - b) };
}
