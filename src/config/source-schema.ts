import { z } from 'zod';
import { isLoopback } from '../ingest/ingestion-keys.ts';
import { FORMATS } from '../normalise/formats.ts';
import { brokers, kafkaAccess } from './log-schema.ts';
import { secretString } from './secret.ts';

const INGESTION_KEY_CHARS_MIN = 16;

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'small letters, digits, ".", "_" and "-", at most 64')
    .describe('Names the source, and is part of its events’ ids: do not change it.'),
  format: z.enum(FORMATS.map(({ id }) => id) as [string, ...string[]]).describe('How its records are to be read.'),
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, ".", "_" and "-", at most 64')
    .optional()
    .describe('Put before its tokens’ ids (`name/token`), where two sources use one name for different tokens.'),
  fingerprintTokens: z
    .enum(['always', 'when-secret', 'never'])
    .default('when-secret')
    .describe('Which token ids are replaced by a keyed fingerprint: `always` if they are the secrets themselves.'),
};

/** @param days of records that stay in a stream for long, the default; `null` for sources of history */
function ageDaysMax(days: number | null) {
  const option = z.number().min(0.01).max(36_500);
  const text =
    'How much older than its record an event may claim to be, days; older is moved there, since times can be forged.';
  return days === null ? option.optional().describe(`${text} Default: any age.`) : option.default(days).describe(text);
}

const fileSource = z.strictObject({
  kind: z.literal('file').describe('A file of lines, like `tail -F`: survives rotation and restarts.'),
  ...common,
  ageDaysMax: ageDaysMax(null),
  path: z.string().min(1).describe('The file.'),
  follow: z.boolean().default(true).describe('Whether to wait for more at its end.'),
});

const stdinSource = z.strictObject({
  kind: z.literal('stdin').describe('Lines on standard input, once.'),
  ...common,
  ageDaysMax: ageDaysMax(null),
});

const httpSource = z
  .strictObject({
    kind: z.literal('http').describe('POST /v1/events, newline-separated JSON or a JSON array.'),
    ...common,
    ageDaysMax: ageDaysMax(1),
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on. Other than loopback needs keys.'),
    port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on.'),
    keys: z
      .array(
        secretString(
          z.string().min(INGESTION_KEY_CHARS_MIN, {
            abort: true,
            error: `must have at least ${INGESTION_KEY_CHARS_MIN} characters; openssl rand -hex 32 makes one`,
          }),
        ),
      )
      .max(100)
      .default([])
      .describe('Ingestion keys, of which a request must carry one (`Authorization: Bearer …`).'),
  })
  .superRefine(({ host, keys }, context) => {
    if (keys.length > 0 || isLoopback(host)) return;
    const message = 'is needed where others can reach the port: without keys anybody could make events up';
    context.addIssue({ code: 'custom', path: ['keys'], message });
  });

const kafkaSource = z.strictObject({
  kind: z.literal('kafka').describe('Topics of a Kafka cluster.'),
  ...common,
  ageDaysMax: ageDaysMax(1),
  topics: z.array(z.string().min(1)).min(1).describe('Their names. They must exist.'),
  group: z.string().min(1).optional().describe('Consumer group. Default: `tokenwarden.` and the source’s name.'),
  brokers: brokers.optional(),
  ...kafkaAccess,
});

export const sourcesSchema = z
  .array(z.discriminatedUnion('kind', [kafkaSource, httpSource, fileSource, stdinSource]))
  .default([])
  .describe('Where audit events come from.');
