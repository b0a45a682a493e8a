import { z } from 'zod';
import { RECEIVER_KINDS } from '../deliver/receivers.ts';
import { REVOKER_KINDS } from '../deliver/revokers.ts';
import { SEVERITIES } from '../domain/finding.ts';

const pattern = z.string().min(1).max(512);

const matchSchema = z.strictObject({
  token: pattern.optional().describe('Token id; `*` stands for any text, here and below.'),
  principal: pattern.optional().describe('Who the token belongs to, as the source names it.'),
  owner: pattern.optional().describe('From the list of tokens.'),
  environment: pattern.optional().describe('From the list of tokens.'),
  database: pattern.optional().describe('Database of the latest event.'),
  severity: z.enum(SEVERITIES).optional().describe('This severity or higher.'),
});

const targetName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'small letters, digits, "_" and "-", at most 64');

/** Targets by name; each kind's options come from its own file. */
function targets(kinds: readonly { readonly kind: string; readonly title: string; readonly config: z.ZodType }[]) {
  const options = kinds.map(({ kind, title, config }) => {
    if (!(config instanceof z.ZodObject)) throw new Error(`the options of "${kind}" are no z.strictObject`);
    return config.safeExtend({ kind: z.literal(kind).describe(`${title}.`) }) as z.ZodObject<{
      kind: z.ZodLiteral<string>;
    }>;
  });
  type Options = typeof options;
  return z.record(targetName, z.discriminatedUnion('kind', options as [Options[number], ...Options]));
}

const windowMinutes = z.number().min(0.1).max(10_080);

const revocationSchema = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        match: matchSchema.prefault({}).describe('Which alerts. Empty: all.'),
        revoker: targetName.describe('Name of the revoker.'),
      }),
    )
    .default([])
    .describe('The first rule that matches says how a token is revoked; no match, no revocation.'),
  protectedTokens: z
    .array(pattern)
    .default([])
    .describe(
      'Tokens (`*` stands for any text) that are never revoked automatically: break-glass, replication, our own.',
    ),
  budget: z
    .strictObject({
      revocationCount: z.int().min(0).max(10_000).default(3).describe('At most so many revocations …'),
      windowMinutes: windowMinutes.default(10).describe('… within so many minutes; beyond, a person is asked.'),
    })
    .prefault({})
    .describe('How much may be revoked without a person.'),
  brake: z
    .strictObject({
      tokenCount: z.int().min(2).max(1_000_000).default(5).describe('When so many tokens deviate …'),
      windowMinutes: windowMinutes
        .default(10)
        .describe('… within so many minutes, it is a migration rather than a theft.'),
    })
    .prefault({})
    .describe('When to hold and ask.'),
  dimensionsMin: z
    .int()
    .min(1)
    .max(6)
    .default(2)
    .describe(
      'Independent dimensions that must be unusual. From two on, all but the strongest must have four bits of the score together.',
    ),
  baselineDaysMin: z.number().min(0).max(365).default(7).describe('Experience a baseline must rest on, days.'),
  baselineEventsMin: z.int().min(0).max(1_000_000).default(50).describe('The same in events.'),
});

export const responseSchema = z
  .strictObject({
    receivers: targets(RECEIVER_KINDS)
      .prefault({ console: { kind: 'console' } })
      .describe('Who can be told, by name. The kinds and their options follow below.'),
    routes: z
      .array(
        z.strictObject({
          match: matchSchema.prefault({}).describe('Which alerts. Empty: all.'),
          receivers: z.array(targetName).describe('Names of receivers. Empty: nobody.'),
        }),
      )
      .optional()
      .describe('The first route that matches says who is told. Default: all receivers of everything.'),
    repeatIntervalMinutes: z.number().min(1).max(43_200).default(60).describe('When to tell again of what goes on.'),
    silences: z
      .array(
        z.strictObject({
          match: matchSchema
            .refine((match) => Object.keys(match).length > 0, 'would silence everything: say what')
            .describe('Which alerts.'),
          until: z.iso
            .datetime({ offset: true, error: 'must be a time like 2026-01-31T18:00:00Z' })
            .transform((text) => Date.parse(text))
            .describe('When it ends.'),
          reason: z.string().min(1).max(500).describe('Why; stands in the ledger.'),
        }),
      )
      .default([])
      .describe('Alerts that nobody is told about for a while. They are kept, and tokens are revoked all the same.'),
    revokers: targets(REVOKER_KINDS).default({}).describe('What can take tokens out of use, by name.'),
    sharedCause: z
      .strictObject({
        tokenCount: z
          .int()
          .min(3)
          .max(1_000_000)
          .default(3)
          .describe('When the same table, schema, network, database, client or statement is new for so many tokens …'),
        windowMinutes: windowMinutes
          .default(1440)
          .describe('… within so many minutes, it is told of once, and revokes nothing by itself.'),
      })
      .prefault({})
      .describe('What is new for many tokens at once: a release, a migration, another address of an office.'),
    revocation: revocationSchema.prefault({}).describe('When a token is taken out of use without a person.'),
  })
  .prefault({})
  .describe('What is done about alerts.');
