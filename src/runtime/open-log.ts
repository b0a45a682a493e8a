import type { Config, LogConfig, SourceConfig } from '../config/load.ts';
import { type EmbeddedLogOptions, openEmbeddedLog } from '../log/embedded.ts';
import { type KafkaLogOptions, openKafkaLog } from '../log/kafka.ts';
import type { Log } from '../log/log.ts';
import { systemClock } from './clock.ts';
import type { Logger } from './logger.ts';

/** Opens the log of a configuration. Only `own` may run stages. */
export async function openLog(
  config: Config,
  access: 'own' | 'append' | 'read',
  logger: Logger,
  onWaiting: EmbeddedLogOptions['onWaiting'] = () => undefined,
): Promise<Log> {
  const { log, dataFolder } = config;
  if (log.kind === 'embedded') {
    const onTorn = (tornBytes: number) =>
      logger.warn(
        { dataFolder, tornBytes },
        'what was being written when the last process ended is dropped; it is read again',
      );
    return openEmbeddedLog({ folder: dataFolder, access, clock: systemClock, onTorn, onWaiting });
  }
  const { clientId, topicPrefix, replicationFactor, sessionTimeoutMs } = log;
  return openKafkaLog({
    clientId,
    topicPrefix,
    sessionMs: sessionTimeoutMs,
    ...(replicationFactor !== undefined && { replicationFactor }),
    ...accessOf(log),
    clock: systemClock,
    logger,
  });
}

/** Opens the cluster that a source reads from: its own, or where our log is. */
export async function openSourceLog(
  source: Extract<SourceConfig, { kind: 'kafka' }>,
  log: LogConfig,
  logger: Logger,
): Promise<Log> {
  // Another cluster has other credentials.
  const access = source.brokers === undefined && log.kind === 'kafka' ? { ...log, ...given(source) } : source;
  return openKafkaLog({
    clientId: 'tokenwarden',
    topicPrefix: '',
    // A process that was not heard of loses everything at one time: partitions of sources too.
    ...(log.kind === 'kafka' && { sessionMs: log.sessionTimeoutMs }),
    ...accessOf(access),
    clock: systemClock,
    logger,
  });
}

type KafkaConfig = Extract<LogConfig, { kind: 'kafka' }>;
type Access = { readonly [K in 'brokers' | 'ssl' | 'sasl']?: KafkaConfig[K] | undefined };

function given({ ssl, sasl }: Access): Access {
  return { ...(ssl !== undefined && { ssl }), ...(sasl && { sasl }) };
}

function accessOf({ brokers = [], ssl, sasl }: Access): Pick<KafkaLogOptions, 'brokers' | 'ssl' | 'sasl'> {
  return {
    brokers,
    ...(ssl !== undefined && { ssl: typeof ssl === 'boolean' ? ssl : certificatesOf(ssl) }),
    ...(sasl && { sasl: { ...sasl, password: sasl.password.reveal() } }),
  };
}

function certificatesOf({ ca, cert, key }: Exclude<Access['ssl'], boolean | undefined>) {
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key && { key: key.reveal() }) };
}
