import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/deliver/address.ts';
import { revocationMessage } from '../../../src/deliver/alert-message.ts';
import type { Revoker } from '../../../src/deliver/revoker.ts';
import kind from '../../../src/deliver/revokers/webhook.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { type HttpReceiver, startHttpReceiver } from '../../support/http-receiver.ts';
import { sampleOrder } from '../sample.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const never = new AbortController().signal;
let server: HttpReceiver;
const open: Revoker[] = [];

beforeEach(async () => {
  server = await startHttpReceiver();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((revoker) => revoker.close?.()));
  await server.close();
});

function revokerWith(options: Record<string, unknown> = {}): Revoker {
  const base = { url: server.url, secrets: [SECRET], allowInsecure: true, allowPrivateAddresses: true };
  const revoker = kind.open(kind.config.parse({ ...base, ...options }), {
    clock: systemClock,
    resolve: systemResolve,
    write: () => undefined,
  });
  open.push(revoker);
  return revoker;
}

/** The message of the last request, its signature checked. */
function lastMessage() {
  const { body, headers } = server.requests.at(-1)!;
  return revocationMessage.parse(new Webhook(SECRET).verify(body, headers as Record<string, string>));
}

describe('webhook revoker', () => {
  it('posts a signed order under the action’s id', async () => {
    expect(await revokerWith().revoke(sampleOrder({ id: 'act_r' }), never)).toMatchObject({ kind: 'accepted' });
    expect(lastMessage()).toMatchObject({
      version: 1,
      type: 'revoke',
      id: 'act_r',
      token: 'svc-billing',
      principal: 'billing',
      reason: { code: 'policy-revokes' },
      severity: 'critical',
      alertId: 'alr_0123456789abcdef',
      expiresAt: '2026-09-08T02:14:03.120Z',
    });
    expect(lastMessage().findings.flatMap(({ evidence }) => evidence)).toHaveLength(2);
    const { headers } = server.requests[0]!;
    expect([headers['webhook-id'], headers['idempotency-key']]).toEqual(['act_r', 'act_r']);
  });

  it('takes the token from the order, not from the alert, which may have moved on', async () => {
    await revokerWith().revoke(sampleOrder({ token: 'tok-1', principal: 'someone' }), never);
    expect(lastMessage()).toMatchObject({ token: 'tok-1', principal: 'someone' });
  });

  it('a token that is gone is as good as revoked, unless configured otherwise', async () => {
    for (const status of [404, 410]) {
      server.always({ status });
      expect(await revokerWith().revoke(sampleOrder(), never)).toMatchObject({
        kind: 'accepted',
        detail: expect.stringContaining('does not exist'),
      });
      expect(await revokerWith({ goneIsRevoked: false }).revoke(sampleOrder(), never)).toMatchObject({
        kind: 'refused',
      });
      expect(await revokerWith({ reversible: true }).undo(sampleOrder(), never)).toMatchObject({ kind: 'refused' });
    }
  });

  it('undoes only if the other side can', async () => {
    expect(revokerWith()).toMatchObject({ propagationMs: 5000 });
    expect(await revokerWith().undo(sampleOrder(), never)).toMatchObject({ kind: 'refused' });
    expect(server.requests).toHaveLength(0);
    const undo = sampleOrder({ kind: 'undo', id: 'act_u' });
    expect(await revokerWith({ reversible: true }).undo(undo, never)).toMatchObject({ kind: 'accepted' });
    expect(lastMessage()).toMatchObject({ type: 'undo', id: 'act_u' });
  });

  it('gives one attempt three seconds', async () => {
    server.always({ hang: true });
    const startedAt = performance.now();
    expect(await revokerWith({ timeoutMs: 200 }).revoke(sampleOrder(), never)).toMatchObject({ kind: 'retry' });
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(kind.config.parse({ url: 'https://a.example/', secrets: [SECRET] }).timeoutMs).toBe(3000);
  });
});

describe('verification', () => {
  it('is left to the event stream without a URL to ask', async () => {
    expect(await revokerWith().verify(sampleOrder(), never)).toMatchObject({ kind: 'unknown' });
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    [{ body: '{"active":false}' }, 'verified'],
    [{ body: '{"active":true,"scope":"all"}' }, 'ineffective'],
    [{ status: 404 }, 'verified'],
    [{ status: 410 }, 'verified'],
    [{ body: 'ok' }, 'unknown'],
    [{ body: '{"active":"no"}' }, 'unknown'],
    [{ status: 204 }, 'unknown'],
    [{ status: 403 }, 'unknown'],
    [{ status: 302, headers: { location: 'https://elsewhere.example/' } }, 'unknown'],
    [{ status: 503, headers: { 'retry-after': '2' } }, 'retry'],
    [{ reset: true }, 'retry'],
    [{ endless: true }, 'unknown'],
  ] as const)('%j means %s', async (answer, expected) => {
    server.next(answer);
    const revoker = revokerWith({ verifyUrl: `http://127.0.0.1:${server.port}/introspect` });
    expect((await revoker.verify(sampleOrder(), never)).kind).toBe(expected);
    expect(server.requests[0]).toMatchObject({ path: '/introspect' });
    expect(lastMessage()).toMatchObject({ type: 'verify', token: 'svc-billing' });
  });

  it.each([404, 410])('takes %i for no proof if it does not mean that the token is gone', async (status) => {
    server.next({ status });
    const revoker = revokerWith({ verifyUrl: server.url, goneIsRevoked: false });
    expect(await revoker.verify(sampleOrder(), never)).toMatchObject({ kind: 'unknown' });
  });

  it('asks anew each time, under an id of its own', async () => {
    const revoker = revokerWith({ verifyUrl: server.url });
    await revoker.revoke(sampleOrder(), never);
    await revoker.verify(sampleOrder(), never);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await revoker.verify(sampleOrder(), never);
    const ids = server.requests.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(3);
    expect(server.requests[1]!.headers).not.toHaveProperty('idempotency-key');
  });

  it('checks verifyUrl like url', () => {
    const secrets = [SECRET];
    const config = { url: 'https://a.example/', verifyUrl: 'http://a.example/', secrets };
    expect(kind.config.safeParse(config).error?.issues).toMatchObject([{ path: ['verifyUrl'] }]);
  });
});
