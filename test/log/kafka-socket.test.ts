import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, createServer as createTlsServer } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AnswerReader, connectWholeAnswers } from '../../src/log/kafka-socket.ts';
import { selfSignedCertificate } from '../support/certificate.ts';

function framed(body: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** Reads as a socket does: as much as there is, and room for, but at most so many bytes at a time. */
function readAll(stream: Buffer, atMost: readonly number[]): Buffer[] {
  const reader = new AnswerReader();
  const answers: Buffer[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const room = reader.room();
    const count = Math.min(atMost[turn % atMost.length] as number, room.length, stream.length - at);
    stream.copy(room, 0, at, at + count);
    at += count;
    const answer = reader.took(count);
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

describe('answers', () => {
  it('are the same however they come in pieces', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    const atMost = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
    const rest = fc.nat(20);
    fc.assert(
      fc.property(bodies, atMost, rest, (each, sizes, cutOff) => {
        const sent = each.map(framed);
        const begun = framed(Buffer.alloc(40)).subarray(0, cutOff);
        expect(readAll(Buffer.concat([...sent, begun]), sizes)).toEqual(sent);
      }),
    );
  });

  it('are put together once: there is room for what is left of one, and no more', () => {
    const reader = new AnswerReader();
    reader.room().writeInt32BE(1000);
    reader.took(4);
    const room = reader.room();
    expect(room).toHaveLength(1000);
    expect(reader.took(999)).toBeUndefined();
    expect(reader.room()).toHaveLength(1);
    expect(reader.took(1)?.subarray(4).buffer).toBe(room.buffer);
  });

  it.each([
    ['HTTP', 'HTTP/1.1 400'],
    ['TLS', '\u0015\u0003\u0003\u0000'],
    ['SSH', 'SSH-2.0'],
    ['less than nothing', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ])('are not begun with %s, which would take all memory', (_, begin) => {
    const reader = new AnswerReader();
    Buffer.from(begin).copy(reader.room());
    expect(() => reader.took(4)).toThrow(/not Kafka's.*another port, or TLS/);
    expect(reader.room().length).toBeGreaterThan(0);
  });
});

describe.each(['TCP', 'TLS'] as const)('a socket over %s', (kind) => {
  const certificate = selfSignedCertificate('localhost');

  async function connectTo(treat: (peer: Socket) => void): Promise<Socket> {
    const greet = (peer: Socket) => {
      peer.on('error', () => undefined);
      treat(peer);
    };
    const server = kind === 'TLS' ? createTlsServer(certificate, greet) : createServer(greet);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const ssl = (kind === 'TLS' ? { ca: [certificate.cert] } : undefined) as ConnectionOptions;
    const socket = connectWholeAnswers({ host: 'localhost', port, ssl, onConnect: () => undefined });
    onTestFinished(() => {
      socket.destroy();
      server.close();
    });
    return socket;
  }

  it('tells of an answer once, when it is whole', async () => {
    const sent = [framed(Buffer.alloc(0)), framed(Buffer.alloc(300_000, 'a')), framed(Buffer.from('b'))];
    const socket = await connectTo((peer) => peer.end(Buffer.concat(sent)));
    const told: Buffer[] = [];
    socket.on('data', (answer: Buffer) => told.push(answer));
    await once(socket, 'end');
    expect(told).toEqual(sent);
  });

  it('breaks on what is no answer, says why, and is closed', async () => {
    const socket = await connectTo((peer) => peer.end(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(100_000)}`));
    socket.resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain("not Kafka's");
    await closed;
  });
});
