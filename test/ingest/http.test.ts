import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpSourceOptions, openHttpSource } from '../../src/ingest/http.ts';
import type { Intake, Lane, Source } from '../../src/ingest/source.ts';
import { LogError } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import {
  type Collecting,
  holdingFormat,
  line,
  lines,
  nameAt,
  namesUpTo,
  startCollecting,
  until,
} from './collecting.ts';

const NDJSON = { 'content-type': 'application/x-ndjson' };
const JSON_TYPE = { 'content-type': 'application/json' };

let collecting: Collecting;
let running: Running | undefined;

interface Running {
  readonly url: string;
  readonly port: number;
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

beforeEach(async () => {
  collecting = await startCollecting();
});
afterEach(async () => {
  // A test that expects the source to fail has said so itself.
  await running?.stop().catch(() => undefined);
  running = undefined;
  await collecting[Symbol.asyncDispose]();
});

async function start(options: Partial<HttpSourceOptions> = {}, intake = collecting.intake('push')): Promise<Running> {
  const stopping = new AbortController();
  const listening = Promise.withResolvers<number>();
  const source: Source = openHttpSource({
    name: 'push',
    host: '127.0.0.1',
    port: 0,
    keys: null,
    clock: systemClock,
    startId: 'start-1',
    onListening: listening.resolve,
    ...options,
  });
  const done = source.run(intake, stopping.signal);
  done.catch(listening.reject);
  const port = await listening.promise;
  running = {
    url: `http://127.0.0.1:${port}`,
    port,
    done,
    async stop() {
      stopping.abort();
      await done;
    },
  };
  return running;
}

async function post(body: string | Buffer, headers: Record<string, string> = NDJSON) {
  const response = await fetch(`${running!.url}/v1/events`, { method: 'POST', body, headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

function refusal(status: number, code: string, message: RegExp | string = '') {
  return { status, body: { error: { code, message: expect.stringMatching(message) } } };
}

/** The real intake, whose lanes wait for `open` before they take. */
function gated(intake: Intake): { readonly intake: Intake; readonly open: () => void } {
  const gate = Promise.withResolvers<void>();
  return {
    intake: {
      async resume(name, position) {
        const lane = await intake.resume(name, position);
        return {
          held: false,
          abandon: () => undefined,
          settle: () => lane.settle(),
          take: (records) => gate.promise.then(() => lane.take(records)),
        };
      },
    },
    open: () => gate.resolve(),
  };
}

describe('POST /v1/events', () => {
  it('answers once lines are durable, whatever their format holds back', async () => {
    await start({}, collecting.intake('push', holdingFormat()));
    const before = Date.now();
    expect(await post(`${lines(0, 1200)}\r\n\n`)).toMatchObject({ status: 202, body: { accepted: 1200 } });
    expect(await collecting.names()).toEqual(namesUpTo(1200));
    expect(await post('{"no":"event"}')).toMatchObject({ status: 202, body: { accepted: 1 } });
    const [letter] = await collecting.deadLetters();
    expect(letter).toMatchObject({ id: 'push/start-1/1200', source: 'push' });
    expect(letter!.receivedAt).toBeGreaterThanOrEqual(before);
  });

  it('takes an array, each element as its own bytes, or one object', async () => {
    await start();
    const odd = '{ "odd" : "\\"],[{\\\\" , "deep":[[{}],{"a":[1,2]}] }';
    expect(await post(`\ufeff[ ${line(nameAt(0))} ,\n${odd},${line(nameAt(1))}\t]\n`, JSON_TYPE)).toMatchObject({
      status: 202,
      body: { accepted: 3 },
    });
    expect(await post(` ${line(nameAt(2))} `, { 'content-type': 'application/json; charset=utf-8' })).toMatchObject({
      body: { accepted: 1 },
    });
    expect(await post('[]', JSON_TYPE)).toMatchObject({ status: 202, body: { accepted: 0 } });
    expect(await collecting.names()).toEqual(namesUpTo(3));
    const [letter] = await collecting.deadLetters();
    expect(Buffer.from(letter!.raw, 'base64').toString()).toBe(odd);
  });

  it('takes nothing of a request with a bad line, and names it', async () => {
    await start();
    const bad = `${lines(0, 16)}{"token": secret}\n${lines(16, 20)}`;
    const answer = await post(bad);
    expect(answer).toMatchObject(refusal(400, 'not-json', /^line 17: not JSON: Unexpected token 's'$/));
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(await post(`${line('a')}\n\n[1]`)).toMatchObject(refusal(400, 'not-an-object', 'line 3'));
    expect(await post(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject(refusal(400, 'not-json', 'line 1: .*UTF-8'));
    expect(await collecting.events()).toEqual([]);
    expect(await collecting.deadLetters()).toEqual([]);
  });

  it.each([
    ['[{},', 'item 1: not JSON: the array is not closed'],
    ['[{},]', 'item 1: not JSON'],
    ['[{},{"a":}]', 'item 1: not JSON'],
    ['[{}}', 'item 0: not JSON: brackets'],
    ['[{}] []', 'item 0: not JSON: brackets'],
    ['[{"a":"]', 'item 0: not JSON: the array is not closed'],
    ['[{"a":[}]}]', 'item 0: not JSON'],
    ['{"a":1} x', 'body: not JSON'],
  ])('names what is wrong with %s', async (body, message) => {
    await start();
    expect(await post(body, JSON_TYPE)).toMatchObject(refusal(400, 'not-json', message));
    expect(collecting.counts.taken).toBe(0);
  });

  it('reads gzip, within the limit for what comes out of it', async () => {
    await start({ bodyBytesMax: 100_000 });
    const gzip = { ...NDJSON, 'content-encoding': 'gzip' };
    expect(await post(gzipSync(lines(0, 100)), gzip)).toMatchObject({ status: 202, body: { accepted: 100 } });
    expect(await post(gzipSync(Buffer.alloc(50_000_000, 'x')), gzip)).toMatchObject(refusal(413, 'body-too-large'));
    expect(await post(gzipSync(lines(0, 100)).subarray(0, 300), gzip)).toMatchObject(refusal(400, 'bad-gzip'));
    expect(await post('no gzip at all', gzip)).toMatchObject(refusal(400, 'bad-gzip'));
    // Too large before it turns out to be broken: the decoder's failure has no one to tell.
    const bomb = gzipSync(Buffer.alloc(5_000_000, 'x'));
    expect(await post(bomb.subarray(0, -20), gzip)).toMatchObject(refusal(413, 'body-too-large'));
    expect(await post('{}', { ...NDJSON, 'content-encoding': 'br' })).toMatchObject(
      refusal(415, 'unsupported-encoding'),
    );
    expect(await collecting.names()).toEqual(namesUpTo(100));
  });

  it('refuses bodies that are too long, of too many records, or of another type', async () => {
    await start({ bodyBytesMax: 100_000 });
    expect(await post('x'.repeat(100_001))).toMatchObject(refusal(413, 'body-too-large'));
    expect(await post('{}\n'.repeat(20_001))).toMatchObject(refusal(413, 'too-many-records'));
    expect(await post(`[${'{},'.repeat(20_001)}{}]`, JSON_TYPE)).toMatchObject(refusal(413, 'too-many-records'));
    expect(await post('{}', { 'content-type': 'text/plain' })).toMatchObject(refusal(415, 'unsupported-type'));
    const untyped = await fetch(`${running!.url}/v1/events`, { method: 'POST' });
    expect(untyped.status).toBe(415);
    expect((await fetch(`${running!.url}/v1/other`)).status).toBe(404);
  });

  it('makes a dead letter of a record that is too long', async () => {
    await start();
    expect(await post(`{"token":"${'x'.repeat(2_000_000)}"}\n${lines(0, 1)}`)).toMatchObject({ body: { accepted: 2 } });
    expect(await collecting.names()).toEqual(namesUpTo(1));
    expect(await collecting.deadLetters()).toMatchObject([{ code: 'too-large', truncated: true }]);
  });

  it('takes what many send at once, each once', async () => {
    await start({ requestsMax: 100 });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => post(lines(i * 50, i * 50 + 50))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(60);
    expect(await collecting.names()).toEqual(namesUpTo(3000));
    expect(new Set((await collecting.events()).map(({ id }) => id)).size).toBe(3000);
  });
});

describe('keys', () => {
  it('lets in whoever has one of them', async () => {
    await start({ keys: ['key-one', 'key-two'] });
    const withKey = (authorization: string) => post(lines(0, 1), { ...NDJSON, authorization });
    for (const wrong of ['Bearer key-three', 'Bearer key-on', 'Bearer ', 'Basic key-one', 'key-one']) {
      expect(await withKey(wrong)).toMatchObject(refusal(401, 'unauthorised'));
    }
    expect(await post(lines(0, 1))).toMatchObject(refusal(401, 'unauthorised'));
    expect(collecting.counts.taken).toBe(0);
    expect((await withKey('Bearer key-two')).status).toBe(202);
    expect((await withKey('bearer key-one')).status).toBe(202);
    expect((await fetch(`${running!.url}/healthz`)).status).toBe(200);
  });

  it('must be there unless only this machine can connect', () => {
    const open = (host: string, keys: readonly string[] | null) =>
      openHttpSource({ name: 'push', host, port: 0, keys, clock: systemClock });
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com', '127.0.0.1.example.com']) {
      expect(() => open(host, null)).toThrow(/has no keys/);
      expect(open(host, ['key']).name).toBe('push');
    }
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) expect(open(host, null).name).toBe('push');
    expect(() => open('127.0.0.1', [])).toThrow(/keys must be/);
    expect(() => open('127.0.0.1', [''])).toThrow(/keys must be/);
  });
});

describe('too much, and the end', () => {
  it('puts requests off while too many are in hand', async () => {
    const { intake, open } = gated(collecting.intake('push'));
    await start({ requestsMax: 2 }, intake);
    const inHand = [post(lines(0, 1)), post(lines(1, 2))];
    await until(async () => {
      const answer = await Promise.race([post(lines(2, 3)), sleep(1000)]);
      return answer?.status === 429 && answer.headers.get('retry-after') === '1';
    });
    open();
    expect((await Promise.all(inHand)).map(({ status }) => status)).toEqual([202, 202]);
    await until(async () => (await post(lines(2, 3))).status === 202);
    expect(await collecting.names()).toEqual(namesUpTo(3));
  });

  it('counts a request whose sender has gone until its records are done with', async () => {
    const { intake, open } = gated(collecting.intake('push'));
    await start({ requestsMax: 1 }, intake);
    const leaving = new AbortController();
    const gone = fetch(`${running!.url}/v1/events`, {
      method: 'POST',
      body: lines(0, 1),
      headers: NDJSON,
      signal: leaving.signal,
    }).catch(() => 'gone');
    await until(async () => (await post('bad')).status === 429);
    leaving.abort();
    expect(await gone).toBe('gone');
    await sleep(100);
    expect(await post(lines(1, 2))).toMatchObject(refusal(429, 'busy'));
    open();
    await until(async () => (await post(lines(1, 2))).status === 202);
    expect(await collecting.names()).toEqual(namesUpTo(2));
  });

  it('gives the place of an unfinished upload back', async () => {
    const { port } = await start({ requestsMax: 1 });
    const socket = connect(port, '127.0.0.1');
    const head =
      'POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000\r\n\r\n{}';
    socket.write(head);
    await until(async () => (await post('bad')).status === 429);
    socket.destroy();
    await until(async () => (await post(lines(0, 1))).status === 202);
  });

  it('finishes requests in hand when it stops, and takes no more', async () => {
    const { intake, open } = gated(collecting.intake('push'));
    const source = await start({}, intake);
    const inHand = post(lines(0, 10));
    await sleep(100);
    const stopped = source.stop();
    expect(await post(lines(10, 20))).toMatchObject(refusal(503, 'stopping'));
    open();
    expect(await inHand).toMatchObject({ status: 202, body: { accepted: 10 } });
    await stopped;
    await expect(post(lines(10, 20))).rejects.toThrow();
    expect(await collecting.names()).toEqual(namesUpTo(10));
  });

  it('ends, having said so, when the log takes nothing any more', async () => {
    const source = await start();
    expect((await post(lines(0, 1))).status).toBe(202);
    await collecting.log.close();
    expect(await post(lines(1, 2))).toMatchObject(refusal(503, 'log-unavailable'));
    await expect(source.done).rejects.toMatchObject({ code: 'closed' });
    await collecting.reopen();
    expect(await collecting.names()).toEqual(namesUpTo(1));
  });

  it('goes on after a log that was not to be had for a while, without what was refused', async () => {
    const real = collecting.intake('push', holdingFormat());
    let down = true;
    const intake: Intake = {
      async resume(name, position): Promise<Lane> {
        const lane = await real.resume(name, position);
        const settle: Lane['settle'] = () => {
          if (down) throw new LogError('unavailable', 'no broker answers');
          return lane.settle();
        };
        return { held: false, abandon: () => undefined, settle, take: (records) => lane.take(records) };
      },
    };
    await start({}, intake);
    expect(await post(lines(0, 1))).toMatchObject(refusal(503, 'log-unavailable'));
    down = false;
    expect((await post(lines(0, 2))).status).toBe(202);
    expect(await collecting.names()).toEqual(namesUpTo(2));
  });
});
