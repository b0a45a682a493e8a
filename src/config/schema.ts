import { z } from 'zod';
import { alarmBudgetSchema } from '../detect/budget.ts';
import type { AnyDetector } from '../detect/detector.ts';
import { LIFETIME_DAYS_MAX } from '../domain/lifetime.ts';
import { STAGE_NAMES } from '../pipeline/stage.ts';
import { logSchema } from './log-schema.ts';
import { checkReferences } from './references.ts';
import { responseSchema } from './response-schema.ts';
import { secretString } from './secret.ts';
import { sourcesSchema } from './source-schema.ts';

const FINGERPRINT_KEY_CHARS_MIN = 32;

const days = (text: string, fallback: number) => z.int().min(1).max(LIFETIME_DAYS_MAX).default(fallback).describe(text);

const retentionDays = z
  .strictObject({
    events: days('Events.', 90),
    tokenHours: days('Hourly sums per token.', 400),
    findings: days('Findings.', 400),
    alerts: days('Alerts and their deliveries.', 730),
  })
  .prefault({})
  .describe('How long rows are kept, days.');

const clickhouseSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z
        .literal('embedded')
        .describe('In this process, in the data folder. Waits while its disk has less than 192 MiB left.'),
      retentionDays,
    }),
    z.strictObject({
      kind: z.literal('server').describe('A server.'),
      url: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).describe('http(s)://host:8123'),
      username: z.string().min(1).default('default').describe('The user.'),
      password: secretString().optional().describe('Their password.'),
      database: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'letters, digits and "_"')
        .default('tokenwarden')
        .describe('Made if it is not there.'),
      retentionDays,
    }),
    z.strictObject({ kind: z.literal('off').describe('No archive.') }),
  ])
  .prefault({ kind: 'embedded' })
  .describe('The archive for people.');

const tokensSchema = z
  .array(
    z.strictObject({
      match: z.string().min(1).max(512).describe('Token id; `*` stands for any text.'),
      owner: z.string().min(1).max(256).optional().describe('Who answers for it.'),
      environment: z.string().min(1).max(256).optional().describe('For example `production`.'),
    }),
  )
  .max(10_000)
  .default([])
  .describe('What you know about tokens; the first match counts.');

/** A detector's switch and weight, beside options of its own. */
interface DetectorOptions {
  readonly enabled: boolean;
  readonly weight: number;
  readonly [option: string]: unknown;
}

/** Every detector's options, from the detectors themselves. */
function detectorsSchema(detectors: readonly AnyDetector[]) {
  const shape = Object.fromEntries(
    detectors.map(({ id, title, config }) => {
      const own = {
        enabled: z.boolean().default(true).describe('Whether it runs.'),
        weight: z.number().min(0).max(10).default(1).describe('What its contribution to a score is multiplied by.'),
      };
      return [id, (config as z.ZodObject).safeExtend(own).prefault({}).describe(title)] as const;
    }),
  );
  return z.strictObject(shape).prefault({}) as unknown as z.ZodPrefault<
    z.ZodType<Readonly<Record<string, DetectorOptions>>>
  >;
}

function detectionSchema(detectors: readonly AnyDetector[]) {
  return z
    .strictObject({
      alarmBudget: alarmBudgetSchema
        .prefault('1 per 1000 token-months')
        .describe('How many false alarms you are willing to see. Revoking takes a tenth of it.'),
      tokensMax: z
        .int()
        .min(1)
        .max(50_000_000)
        .default(1_000_000)
        .describe(
          'Tokens each partition may remember. Beyond, young ones are forgotten for new ones, never one that was in use for two days; told as a warning.',
        ),
      checkpointIntervalMs: z
        .int()
        .min(100)
        .max(600_000)
        .default(5000)
        .describe('How often baselines are made durable. A restart reads again what came since.'),
      standby: z
        .boolean()
        .default(true)
        .describe(
          'Keep the baselines of partitions that other processes own at hand, so that a failure is taken over at once. Costs their memory; one process alone has nothing to keep.',
        ),
      detectorFolders: z
        .array(z.string().min(1))
        .default([])
        .describe('Folders with detectors of your own, beside the built-in ones.'),
      detectors: detectorsSchema(detectors).describe('Options of each detector, by its id: see detectors.md.'),
    })
    .prefault({})
    .describe('What is unusual.');
}

function fileSchema(detectors: readonly AnyDetector[]) {
  return z.strictObject({
    mode: z
      .enum(['observe', 'enforce'])
      .default('observe')
      .describe('`observe` decides and writes down what it would do; `enforce` does it.'),
    stopped: z
      .boolean()
      .default(false)
      .describe('Stops all revocations that no person asked for; everything else goes on.'),
    dataFolder: z.string().min(1).default('data').describe('Where this installation keeps its files.'),
    stages: z
      .array(z.enum(STAGE_NAMES))
      .min(1)
      .default([...STAGE_NAMES])
      .describe('Stages this process runs.'),
    log: logSchema,
    sources: sourcesSchema,
    clickhouse: clickhouseSchema,
    detection: detectionSchema(detectors),
    tokens: tokensSchema,
    addressDatabases: z
      .strictObject({
        asn: z.string().min(1).optional().describe('GeoLite2-ASN or a file of the same kind (.mmdb).'),
        country: z.string().min(1).optional().describe('GeoLite2-Country or a file of the same kind (.mmdb).'),
      })
      .prefault({})
      .describe('Files that say which system and country an address belongs to.'),
    fingerprintKey: secretString(
      z.string().min(FINGERPRINT_KEY_CHARS_MIN, {
        abort: true,
        error: `must have at least ${FINGERPRINT_KEY_CHARS_MIN} characters; openssl rand -hex 32 makes one`,
      }),
    )
      .optional()
      .describe(
        'Key of fingerprints and remembered names, the same for all processes of an installation. Default: made in the data folder. Losing it makes every baseline start anew.',
      ),
    response: responseSchema,
    operations: z
      .strictObject({
        host: z
          .string()
          .min(1)
          .default('127.0.0.1')
          .describe('Address to listen on. There is no login: keep it inside.'),
        port: z.int().min(0).max(65_535).default(9464).describe('Port to listen on.'),
        readyLagMsMax: z
          .int()
          .min(1000)
          .default(60_000)
          .describe('How far a stage may be behind while the process still calls itself ready.'),
      })
      .optional()
      .describe('`/healthz`, `/readyz`, `/metrics` and `/status` over HTTP. Off unless this is there (`{}` will do).'),
    logging: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('What is logged.'),
      })
      .prefault({})
      .describe('JSON lines on standard error.'),
  });
}

/** The configuration file. The detectors that are loaded say what can be set about them. */
export function configSchema(detectors: readonly AnyDetector[]) {
  return fileSchema(detectors).superRefine(checkReferences);
}

export type Config = z.output<ReturnType<typeof fileSchema>>;
export type LogConfig = Config['log'];
export type SourceConfig = Config['sources'][number];

/** The JSON Schema of the file, for editors. */
export function configJsonSchema(detectors: readonly AnyDetector[]): object {
  return z.toJSONSchema(configSchema(detectors), { io: 'input', unrepresentable: 'any' });
}
