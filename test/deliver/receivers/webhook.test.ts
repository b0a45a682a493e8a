import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemResolve } from '../../../src/deliver/address.ts';
import { alertMessage } from '../../../src/deliver/alert-message.ts';
import type { Receiver } from '../../../src/deliver/receiver.ts';
import kind from '../../../src/deliver/receivers/webhook.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { type HttpReceiver, startHttpReceiver } from '../../support/http-receiver.ts';
import { PAYLOADS } from '../payloads.ts';
import { AT, sampleAlert, sampleAssessment, sampleFinding, sampleNotification } from '../sample.ts';

const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const never = new AbortController().signal;
let server: HttpReceiver;
let receiver: Receiver;

beforeEach(async () => {
  server = await startHttpReceiver();
  receiver = kind.open(
    kind.config.parse({ url: server.url, secrets: [NEW, OLD], allowInsecure: true, allowPrivateAddresses: true }),
    { clock: systemClock, resolve: systemResolve, write: () => undefined },
  );
});
afterEach(async () => {
  await receiver.close?.();
  await server.close();
});

describe('webhook receiver', () => {
  it('posts a signed AlertMessage that either secret verifies', async () => {
    expect(await receiver.send(sampleNotification(), never)).toMatchObject({ kind: 'accepted' });
    const [request] = server.requests;
    const headers = request!.headers as Record<string, string>;
    for (const secret of [OLD, NEW]) {
      const verified = new Webhook(secret).verify(request!.body, headers);
      expect(alertMessage.parse(verified)).toMatchObject({
        version: 1,
        type: 'alert',
        id: 'act_0123456789abcdef',
        alertId: 'alr_0123456789abcdef',
        token: 'svc-billing',
        severity: 'critical',
        since: { rowCount: 48_211 },
        stamps: { event: '2026-09-07T02:14:03.120Z', verified: '2026-09-07T02:14:06.570Z' },
        revocation: { state: 'verified' },
      });
    }
    expect(headers['webhook-id']).toBe('act_0123456789abcdef');
    expect(headers['idempotency-key']).toBe('act_0123456789abcdef');
    expect(headers['content-type']).toBe('application/json');
  });

  it('a body that was tampered with is not verified', async () => {
    await receiver.send(sampleNotification(), never);
    const { body, headers } = server.requests[0]!;
    const tampered = body.replace('critical', 'low');
    expect(() => new Webhook(NEW).verify(tampered, headers as Record<string, string>)).toThrow();
  });

  it('the same notification has the same body on every attempt', async () => {
    server.next({ status: 503 });
    expect(await receiver.send(sampleNotification(), never)).toMatchObject({ kind: 'retry' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await receiver.send(sampleNotification(), never)).toMatchObject({ kind: 'accepted' });
    expect(server.requests[0]!.body).toBe(server.requests[1]!.body);
  });

  it('whatever an event says, the message keeps its form and its texts', async () => {
    for (const payload of PAYLOADS) {
      const evidence = [{ what: payload, observed: Number.NaN, expected: Number.POSITIVE_INFINITY, sampleSize: 0 }];
      const worst = sampleAssessment({ findings: [sampleFinding({ explanation: payload, evidence })] });
      const alert = sampleAlert({ token: payload, worst, stamps: { event: Number.NaN, log: AT } });
      await receiver.send(sampleNotification({ alert }), never);
      const message = alertMessage.parse(JSON.parse(server.requests.at(-1)!.body));
      expect(message.token).toBe(payload);
      expect(message.findings[0]?.evidence[0]).toMatchObject({ what: payload, observed: 'NaN', expected: 'Infinity' });
      expect(message.stamps.event).toBeNull();
    }
  });

  it('documents its body as JSON schema', () => {
    const schema = z.toJSONSchema(alertMessage);
    expect(schema).toMatchObject({ title: 'AlertMessage', additionalProperties: false });
    expect(schema.required).toEqual(Object.keys(schema.properties ?? {}));
  });
});

describe('webhook configuration', () => {
  const secrets = [NEW];

  it.each([
    ['http://hooks.example/', 'allowInsecure'],
    ['https://10.0.0.5/', 'allowPrivateAddresses'],
    ['https://169.254.169.254/', 'link-local'],
    ['https://user:hunter2@hooks.example/', 'without user name and password'],
    ['hooks.example/t0ps3cret', 'must be an http(s) URL'],
  ])('refuses %s at the start, with what to do about it', (url, expected) => {
    const result = kind.config.safeParse({ url, secrets });
    const text = z.prettifyError(result.error!);
    expect(text).toContain(expected);
    expect(text).not.toMatch(/hunter2|t0ps3cret/);
  });

  it('takes what it says it takes', () => {
    expect(kind.config.safeParse({ url: 'https://hooks.example/x', secrets }).success).toBe(true);
    const open = { allowInsecure: true, allowPrivateAddresses: true };
    expect(kind.config.safeParse({ url: 'http://10.0.0.5/x', secrets, ...open }).success).toBe(true);
    expect(kind.config.safeParse({ url: 'https://hooks.example/x', secrets, colour: 1 }).success).toBe(false);
  });
});
