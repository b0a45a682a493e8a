import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/deliver/address.ts';
import { DeliveryQueue } from '../../../src/deliver/queue.ts';
import type { Receiver } from '../../../src/deliver/receiver.ts';
import kind from '../../../src/deliver/receivers/slack.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { type HttpReceiver, startHttpReceiver } from '../../support/http-receiver.ts';
import { sampleAction, sampleNotification } from '../sample.ts';

const never = new AbortController().signal;
let server: HttpReceiver;
let receiver: Receiver;

beforeEach(async () => {
  server = await startHttpReceiver();
  server.always({ body: 'ok' });
  const url = `http://127.0.0.1:${server.port}/services/T000/B000/s3cr3t`;
  receiver = kind.open(kind.config.parse({ url, allowInsecure: true, allowPrivateAddresses: true }), {
    clock: systemClock,
    resolve: systemResolve,
    write: () => undefined,
  });
});
afterEach(async () => {
  await receiver.close?.();
  await server.close();
});

describe('slack receiver', () => {
  it('posts blocks, a fallback, and nothing that unfurls or mentions', async () => {
    expect(await receiver.send(sampleNotification(), never)).toMatchObject({ kind: 'accepted' });
    const message = JSON.parse(server.requests[0]!.body);
    expect(message).toMatchObject({
      text: '`Critical: token "svc-billing" revoked and out of use`',
      unfurl_links: false,
      unfurl_media: false,
      link_names: false,
      parse: 'none',
    });
    expect(message.blocks.map(({ type }: { type: string }) => type)).toEqual([
      'header',
      'section',
      'section',
      'section',
      'section',
      'section',
      'section',
      'context',
    ]);
    const shown = JSON.stringify(message.blocks);
    for (const part of ['48,211', 'up to 900', '2,016 known', 'team payments', 'Ask the owner', '+198 ms', '18.2']) {
      expect(shown).toContain(part);
    }
  });

  it('waits as long as Slack asks', async () => {
    server.next({ status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' });
    expect(await receiver.send(sampleNotification(), never)).toEqual({
      kind: 'retry',
      detail: `http://127.0.0.1:${server.port}/… answered 429: rate_limited`,
      afterMs: 30_000,
    });
  });

  it('hands Slack’s one word on, and nothing else, and never the URL', async () => {
    server.next({ status: 404, body: 'no_service' }, { status: 400, body: '<html>/services/T000/B000/s3cr3t</html>' });
    const gone = await receiver.send(sampleNotification(), never);
    expect(gone).toMatchObject({ kind: 'refused', detail: expect.stringContaining('404: no_service') });
    const odd = await receiver.send(sampleNotification(), never);
    expect(odd).toMatchObject({ kind: 'refused', detail: expect.not.stringContaining('s3cr3t') });
  });

  it('keeps to one message a second', async () => {
    const stop = new AbortController();
    const queue = new DeliveryQueue({
      target: 'people',
      pace: kind.pace,
      notificationsMax: 10,
      clock: systemClock,
      random: Math.random,
      stop: stop.signal,
    });
    const expiresAt = Date.now() + 60_000;
    await Promise.all(
      ['a', 'b', 'c'].map((id) => {
        const action = sampleAction({ id, alertId: id, expiresAt });
        const attempt = (signal: AbortSignal) => receiver.send(sampleNotification({ action }), signal);
        return queue.deliver({ action, priority: 1, attempt });
      }),
    );
    const [first, second, third] = server.requests.map(({ at }) => at);
    expect(second! - first!).toBeGreaterThan(950);
    expect(third! - second!).toBeGreaterThan(950);
  });
});
