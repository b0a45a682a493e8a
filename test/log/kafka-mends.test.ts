import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { KafkaNode } from '../../src/log/kafka-client.ts';
import { mendKafkaJs } from '../../src/log/kafka-mends.ts';
import { Nodes } from '../../src/log/kafka-nodes.ts';
import { connectWholeAnswers } from '../../src/log/kafka-socket.ts';

interface Connection {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  send(request: object): Promise<string>;
  sendAuthRequest(request: object): Promise<unknown>;
}

const require = createRequire(import.meta.url);
const Connection = require('kafkajs/src/network/connection') as new (options: object) => Connection;
const Encoder = require('kafkajs/src/protocol/encoder') as new () => object;
mendKafkaJs();

/** kafkajs's own, to a server that treats each connection in its own way. */
async function connectTo(...treatments: readonly ((socket: Socket, request: Buffer) => void)[]): Promise<Connection> {
  let count = 0;
  const server = createServer((socket) => {
    const treat = treatments[count++];
    socket.on('error', () => undefined);
    socket.on('data', (request: Buffer) => treat?.(socket, request));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const silent = () => undefined;
  const logger = { namespace: () => ({ debug: silent, info: silent, warn: silent, error: silent }) };
  const { port } = server.address() as AddressInfo;
  const connection = new Connection({
    host: '127.0.0.1',
    port,
    logger,
    connectionTimeout: 1000,
    requestTimeout: 2000,
    socketFactory: connectWholeAnswers,
  });
  onTestFinished(async () => {
    await connection.disconnect();
    server.close();
  });
  return connection;
}

const REQUEST = {
  request: { apiKey: 18, apiName: 'any', apiVersion: 0, encode: async () => new Encoder() },
  response: { decode: async (payload: Buffer) => payload.toString(), parse: async (text: string) => text },
};

function answerTo(request: Buffer, text: string): Buffer {
  const body = Buffer.concat([request.subarray(8, 12), Buffer.from(text)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

it('an answer that breaks off does not become part of the next connection’s answer', async () => {
  const connection = await connectTo(
    (socket, request) => socket.write(answerTo(request, 'never whole').subarray(0, 9), () => socket.resetAndDestroy()),
    (socket, request) => socket.write(answerTo(request, 'whole')),
  );
  await connection.connect();
  await expect(connection.send(REQUEST)).rejects.toMatchObject({ name: 'KafkaJSConnectionError' });
  await connection.connect();
  expect(await connection.send(REQUEST)).toBe('whole');
});

it('a login that breaks off is told', async () => {
  const connection = await connectTo((socket) => socket.resetAndDestroy());
  await connection.connect();
  const login = connection.sendAuthRequest({ request: { encode: async () => Buffer.from('x') }, response: {} });
  await expect(login).rejects.toMatchObject({ name: 'KafkaJSConnectionError' });
});

it('an answer is not copied behind the nothing that the one before has left', async () => {
  const connection = await connectTo((socket, request) => socket.write(answerTo(request, 'whole')));
  await connection.connect();
  using concat = vi.spyOn(Buffer, 'concat');
  for (let i = 0; i < 3; i++) expect(await connection.send(REQUEST)).toBe('whole');
  expect(concat.mock.calls.filter(([[first]]) => first?.length === 0)).toEqual([]);
});

it('a request whose broker hangs ends when its connection is cut off', async () => {
  const asked = Promise.withResolvers<void>();
  const connection = await connectTo(() => asked.resolve());
  await connection.connect();
  const nodes = new Nodes();
  const connectionPool = { pool: [connection], getConnection: async () => connection };
  nodes.add({ connectionPool, disconnect: () => connection.disconnect() } as unknown as KafkaNode);
  const request = connection.send(REQUEST);
  await asked.promise;
  const closing = nodes.close();
  nodes.cutOff();
  await expect(request).rejects.toMatchObject({
    name: 'KafkaJSConnectionError',
    message: expect.stringContaining('cut off'),
  });
  await closing;
});
