import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { GenericContainer } from 'testcontainers';
import { mendKafkaJs } from '../../src/log/kafka-mends.ts';
import { dockerAnswers } from './docker.ts';
import { endGuarded, freePort, startGuarded } from './guarded-process.ts';
import { kafkaClassPath } from './kafka-jars.ts';

const run = promisify(execFile);
const IMAGE = 'apache/kafka:4.1.0';
const START_LIMIT_MS = 60_000;

/** A Kafka of one broker for tests. */
export interface KafkaServer {
  readonly brokers: string[];
  readonly how: 'env' | 'docker' | 'jars';
  /** Where whoever stands at `proxyPort` passes connections on to. Absent where that was not asked for, or the server is not ours. */
  readonly proxiedPort?: number;
  /** The address at which TLS and a login are asked for. Absent where that was not asked for, or the server is not ours. */
  readonly secureBroker?: string;
  stop(): Promise<void>;
  /** Stops the broker and, after `downMs`, starts it again with its data, at the same address. Absent where it is not ours. */
  restart?(downMs?: number): Promise<void>;
}

export interface KafkaServerOptions {
  /** A port of this machine at which somebody passes connections on: whoever comes from there is sent there again. */
  readonly proxyPort?: number;
  /** Another listener besides, at `localhost`, with TLS and a login. */
  readonly secure?: SecureListener;
}

export interface SecureListener {
  /** PEM, for `localhost`. */
  readonly certificate: { readonly key: string; readonly cert: string };
  readonly username: string;
  readonly password: string;
}

/**
 * Starts a Kafka: the one at `TOKENWARDEN_TEST_KAFKA` (addresses, separated by commas), else a container where a Docker engine
 * answers, else a server from its jars, in about 3 s.
 *
 * @returns the server, or `skipped`: what is missing on this machine.
 */
export async function startKafka(options: KafkaServerOptions = {}): Promise<KafkaServer | { skipped: string }> {
  const given = process.env['TOKENWARDEN_TEST_KAFKA'];
  if (given !== undefined && given !== '') return { brokers: given.split(','), how: 'env', stop: async () => {} };
  if (await dockerAnswers()) return startInDocker(options);
  const jars = await kafkaClassPath();
  if ('classPath' in jars) return startFromJars(jars.classPath, options);
  const skipped =
    'no Kafka for tests: set TOKENWARDEN_TEST_KAFKA to its address, start a Docker engine, ' +
    `or provide ${jars.missing}`;
  console.warn(`\n!!! SKIPPED: ${skipped}\n`);
  return { skipped };
}

interface Ports {
  readonly port: number;
  readonly controllerPort: number;
  readonly proxiedPort?: number;
  readonly securePort?: number;
}

async function choosePorts({ proxyPort, secure }: KafkaServerOptions): Promise<Ports> {
  return {
    port: await freePort(),
    controllerPort: await freePort(),
    ...(proxyPort !== undefined && { proxiedPort: await freePort() }),
    ...(secure !== undefined && { securePort: await freePort() }),
  };
}

/** What a started server tells of its ports. */
function addresses({
  port,
  proxiedPort,
  securePort,
}: Ports): Pick<KafkaServer, 'brokers' | 'proxiedPort' | 'secureBroker'> {
  return {
    brokers: [`127.0.0.1:${port}`],
    ...(proxiedPort !== undefined && { proxiedPort }),
    ...(securePort !== undefined && { secureBroker: `localhost:${securePort}` }),
  };
}

function settings(ports: Ports, { proxyPort, secure }: KafkaServerOptions, host: string): Record<string, string> {
  const { port, controllerPort, proxiedPort, securePort } = ports;
  const listening = [`PLAINTEXT://${host}:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`];
  if (proxiedPort !== undefined) {
    listening.push(`PROXIED://${host}:${proxiedPort}`);
    advertised.push(`PROXIED://127.0.0.1:${proxyPort}`);
  }
  if (securePort !== undefined) {
    listening.push(`SECURE://${host}:${securePort}`);
    advertised.push(`SECURE://localhost:${securePort}`);
  }
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: listening.join(','),
    'advertised.listeners': advertised.join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SECURE:SASL_SSL',
    ...(secure && securitySettings(secure)),
    'inter.broker.listener.name': 'PLAINTEXT',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A broker that was killed is let in again when its session is over: 9 s otherwise.
    'broker.session.timeout.ms': '1000',
    'broker.heartbeat.interval.ms': '200',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    // Tests wait for compaction.
    'log.initial.task.delay.ms': '100',
    'log.cleaner.backoff.ms': '200',
    'log.cleaner.dedupe.buffer.size': `${8 << 20}`,
    'log.cleaner.threads': '1',
  };
}

function securitySettings({ certificate, username, password }: SecureListener): Record<string, string> {
  const secured = (name: string) => `listener.name.secure.${name}`;
  // A property is one line.
  const pem = (text: string) => text.trim().replaceAll('\n', '\\n');
  const jaas = 'org.apache.kafka.common.security';
  return {
    [secured('ssl.keystore.type')]: 'PEM',
    [secured('ssl.keystore.key')]: pem(certificate.key),
    [secured('ssl.keystore.certificate.chain')]: pem(certificate.cert),
    [secured('sasl.enabled.mechanisms')]: 'PLAIN,SCRAM-SHA-512',
    [secured('plain.sasl.jaas.config')]: `${jaas}.plain.PlainLoginModule required user_${username}="${password}";`,
    [secured('scram-sha-512.sasl.jaas.config')]: `${jaas}.scram.ScramLoginModule required;`,
  };
}

async function startInDocker(options: KafkaServerOptions): Promise<KafkaServer> {
  const ports = await choosePorts(options);
  const { port, proxiedPort, securePort } = ports;
  const environment = Object.fromEntries(
    Object.entries(settings(ports, options, '0.0.0.0')).map(([name, value]) => [environmentName(name), value]),
  );
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(
      ...[port, proxiedPort ?? [], securePort ?? []].flat().map((one) => ({ container: one, host: one })),
    )
    .withEnvironment({ ...environment, KAFKA_HEAP_OPTS: '-Xmx512m' })
    .start();
  const told = addresses(ports);
  const { brokers } = told;
  await untilReady(brokers, () => undefined);
  return {
    ...told,
    how: 'docker',
    stop: async () => void (await container.stop()),
    async restart() {
      await container.restart();
      await untilReady(brokers, () => undefined);
    },
  };
}

/** As the image wants it. */
function environmentName(property: string): string {
  return `KAFKA_${property.toUpperCase().replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_')}`;
}

async function startFromJars(classPath: string, options: KafkaServerOptions): Promise<KafkaServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-kafka-'));
  const ports = await choosePorts(options);
  const properties = { ...settings(ports, options, '127.0.0.1'), 'log.dirs': join(folder, 'data') };
  const file = join(folder, 'server.properties');
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(''));
  const clusterId = randomBytes(16).toString('base64url');
  const java = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath];
  const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', file];
  if (options.secure !== undefined) {
    const { username, password } = options.secure;
    format.push('--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`);
  }
  await run('java', [...java, ...format]);
  const told = addresses(ports);
  const { brokers } = told;
  const start = async () => {
    const command = ['java', '-Xms256m', '-Xmx512m', ...java, 'kafka.Kafka', file];
    const server = await startGuarded(command, { folder, signal: 'KILL' });
    await untilReady(brokers, () => server.exitCode ?? undefined).catch(async (error: unknown) => {
      await endGuarded(server);
      throw new Error(`Kafka did not start:\n${(await readFile(join(folder, 'out.log'), 'utf8')).slice(-4_000)}`, {
        cause: error,
      });
    });
    return server;
  };
  let server = await start();
  return {
    ...told,
    how: 'jars',
    async stop() {
      await endGuarded(server);
      await rm(folder, { recursive: true, force: true });
    },
    async restart(downMs = 0) {
      await endGuarded(server);
      await sleep(downMs);
      server = await start();
    },
  };
}

/** Waits until the broker has joined its cluster and can be asked. */
async function untilReady(brokers: string[], exitCode: () => number | undefined): Promise<void> {
  mendKafkaJs();
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await admin.connect();
      const { brokers: known } = await admin.describeCluster();
      if (known.length > 0) return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    } finally {
      await admin.disconnect();
    }
    const code = exitCode();
    if (code !== undefined) throw new Error(`the server ended with ${code}`);
    await sleep(100);
  }
}
