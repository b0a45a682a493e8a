import { z } from 'zod';
import { secretString } from './secret.ts';

/** How a Kafka cluster is reached; shared by our own log and by sources. */
export const kafkaAccess = {
  ssl: z
    .union([
      z.boolean(),
      z.strictObject({
        ca: z.string().optional().describe('Certificate of the authority, PEM.'),
        cert: z.string().optional().describe('Certificate of this client, PEM.'),
        key: secretString().optional().describe('Private key of this client, PEM.'),
      }),
    ])
    .optional()
    .describe('TLS: `true`, or with certificates of your own.'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('As the broker wants it.'),
      username: z.string().min(1).describe('The user.'),
      password: secretString().describe('Their password.'),
    })
    .optional()
    .describe('Who to log in as.'),
} as const;

export const brokers = z
  .array(z.string().regex(/^\[?[A-Za-z0-9_.:-]+\]?:\d{1,5}$/, 'must be host:port'))
  .min(1)
  .describe('Some brokers of the cluster, host:port.');

const common = {
  partitionCount: z
    .int()
    .min(1)
    .max(1024)
    .default(8)
    .describe('Partitions of the events log: as many processes can share the detect stage. Cannot be changed later.'),
  retentionDays: z
    .int()
    .min(1)
    .max(3650)
    .default(7)
    .describe('How long events stay in the log: as long as any stage may be down.'),
};

export const logSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('embedded').describe('Files in the data folder; one process.'),
      ...common,
    }),
    z.strictObject({
      kind: z.literal('kafka').describe('Topics in a Kafka cluster; any number of processes.'),
      brokers,
      ...kafkaAccess,
      clientId: z
        .string()
        .min(1)
        .default('tokenwarden')
        .describe('Names this program in the brokers’ logs and quotas.'),
      topicPrefix: z
        .string()
        .regex(/^[A-Za-z0-9._-]*$/, 'letters, digits, ".", "_" and "-"')
        .default('tokenwarden.')
        .describe('Put before the names of our own topics and groups.'),
      sessionTimeoutMs: z
        .int()
        .min(1000)
        .max(300_000)
        .default(10_000)
        .describe('A process that was not heard of for so long loses its partitions to the others, ms.'),
      replicationFactor: z.int().min(1).max(9).optional().describe('Of the topics we make. Default: the broker’s.'),
      ...common,
    }),
  ])
  .prefault({ kind: 'embedded' })
  .describe('What joins the stages.');
