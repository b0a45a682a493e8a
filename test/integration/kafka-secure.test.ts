import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { joinRecorder } from '../conformance/log-recorder.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { selfSignedCertificate } from '../support/certificate.ts';
import { startKafka } from '../support/kafka-server.ts';

const certificate = selfSignedCertificate('localhost');
const login = { username: 'tokenwarden', password: randomBytes(12).toString('hex') };
const server = await startKafka({ secure: { certificate, ...login } });
const running = 'skipped' in server ? undefined : server;
const secureBroker = running?.secureBroker;
if (running !== undefined && secureBroker === undefined) {
  console.warn('\n!!! SKIPPED: TLS and logins: the Kafka at TOKENWARDEN_TEST_KAFKA was not started by us\n');
}
const ssl = { ca: [certificate.cert] };

afterAll(() => running?.stop());

async function open(options: Partial<KafkaLogOptions>): Promise<Log> {
  return openKafkaLog({ brokers: [secureBroker ?? ''], unavailableMs: 1500, clock: systemClock, ...options });
}

describe.skipIf(secureBroker === undefined)('a cluster that asks for TLS and a login', () => {
  // The image of Kafka has no user for SCRAM before it runs.
  const mechanisms = ['plain', ...(running?.how === 'jars' ? (['scram-sha-512'] as const) : [])] as const;

  it.each(mechanisms)('takes and gives records, with %s', async (mechanism) => {
    await using log = await opened({ ssl, sasl: { mechanism, ...login } });
    const topic = `topic-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'delete' }]);
    // Far more than a record of TLS carries, or a socket hands over at a time.
    await log.append(topic, textRecords('k', 0, 50_000));
    const { received, stop } = await joinRecorder(log, { topics: [topic] });
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(50_000);
    expect(received.map(({ text }) => text)).toEqual(texts('k', 0, 50_000));
    await stop();
  });

  it.each([
    ['a wrong password', { ssl, sasl: { mechanism: 'plain', ...login, password: 'guessed' } }, /authenti/i],
    ['a certificate that nobody vouches for', { ssl: true, sasl: { mechanism: 'plain', ...login } }, /certificate/i],
    [
      'a host that the certificate does not name',
      { brokers: [secureBroker?.replace('localhost', '127.0.0.1') ?? ''], ssl, sasl: { mechanism: 'plain', ...login } },
      /certificate|altname/i,
    ],
    ['no TLS', { sasl: { mechanism: 'plain', ...login } }, /TLS/],
  ] satisfies [string, Partial<KafkaLogOptions>, RegExp][])(
    'does not open with %s, and says so',
    async (_, options, said) => {
      await expect(open(options)).rejects.toThrow(said);
    },
  );
});

async function opened(options: Partial<KafkaLogOptions>) {
  const log = await open(options);
  return Object.assign(log, { [Symbol.asyncDispose]: () => log.close() });
}
