import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Connections } from '../../src/log/kafka-client.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const METADATA = 3;
const API_VERSIONS = 18;

/** A broker that leaves the first questions for its versions unanswered, and every other question too. @returns what it was asked, by key */
async function startMutedBroker(unansweredCount: number) {
  const asked: number[] = [];
  let left = unansweredCount;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request: Buffer) => {
      const apiKey = request.readInt16BE(4);
      asked.push(apiKey);
      if (apiKey === API_VERSIONS && left-- <= 0) socket.write(versionsFor(request));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { asked, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** ApiVersions, version 2: no error, Metadata and ApiVersions as of Kafka 4, no throttling. */
function versionsFor(request: Buffer): Buffer {
  const body = Buffer.alloc(26);
  request.copy(body, 0, 8, 12);
  body.writeInt32BE(2, 6);
  for (const [i, value] of [METADATA, 0, 13, API_VERSIONS, 0, 4].entries()) body.writeInt16BE(value, 10 + 2 * i);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

it('a broker that did not say what it can do is asked again, and not taken for one that can do nothing', async () => {
  const { asked, address } = await startMutedBroker(1);
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent };
  const access = { brokers: [address], clientId: 'test', unavailableMs: 5000, clock: systemClock, logger };
  const connections = new Connections(access, 300);
  onTestFinished(() => connections.close(systemClock));
  // Nobody answers in the end; what matters is what was asked.
  await expect(connections.anyNode()).rejects.not.toMatchObject({ name: 'LogError' });
  expect(asked.slice(0, 3)).toEqual([API_VERSIONS, API_VERSIONS, METADATA]);
});
