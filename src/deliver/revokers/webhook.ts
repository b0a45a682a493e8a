import { z } from 'zod';
import type { DeliveryOutcome } from '../../domain/action.ts';
import { revocationMessageOf } from '../alert-message.ts';
import { type HttpResult, openHttp } from '../http.ts';
import { checkTarget, httpOptions, secretUrl, targetFault } from '../http-options.ts';
import { type DeliveryPorts, defineRevoker } from '../registry.ts';
import type { RevocationOrder, Verification } from '../revoker.ts';
import { openSigner, type Sign, signingSecrets } from '../sign.ts';

const GONE: ReadonlySet<number> = new Set([404, 410]);

const config = z
  .strictObject({
    url: secretUrl('Where revocations, and undos if `reversible`, are posted to.'),
    verifyUrl: secretUrl(
      'Where to ask whether a token is out of use: answers {"active": false} or {"active": true}, or, if `goneIsRevoked`, 404 or 410 for a token that is gone. Without it, the event stream has to tell.',
    ).optional(),
    secrets: signingSecrets(),
    reversible: z.boolean().default(false).describe('Whether the other side understands `undo`.'),
    goneIsRevoked: z
      .boolean()
      .default(true)
      .describe(
        'Whether 404 and 410, from `url` or `verifyUrl`, mean that the token does not exist any more, which is as good as revoked. If not, such an answer refuses the order, and proves nothing: the event stream has to tell.',
      ),
    propagationMs: z
      .number()
      .int()
      .min(0)
      .max(86_400_000)
      .default(5000)
      .describe('How long after a 2xx answer the token may still be honoured, ms.'),
    ...httpOptions({ timeoutMs: 3000 }),
  })
  .superRefine((value, context) => {
    checkTarget(value, context);
    const fault = value.verifyUrl && targetFault(value.verifyUrl.reveal(), value);
    if (fault) context.addIssue({ code: 'custom', path: ['verifyUrl'], message: fault });
  });

export default defineRevoker({
  kind: 'webhook',
  title: 'Signed webhook',
  description:
    'POSTs the order to revoke a token as JSON (RevocationMessage, version 1) to a URL of yours, signed as Standard Webhooks says. Answer 2xx once the token is refused and its live sessions are ended; 408, 425, 429 and 5xx are tried again, other answers are final. The same order may arrive more than once, always under the same webhook-id (and Idempotency-Key): do it once, and answer 2xx again.',
  config,
  example: {
    url: 'https://tokens.example.com/revoke',
    verifyUrl: 'https://tokens.example.com/introspect',
    secrets: ['whsec_cmVwbGFjZS10aGlzLWJ5LTMyLXJhbmRvbS1ieXRlcyE='],
    reversible: true,
  },
  pace: { concurrentMax: 4, intervalMs: 0 },

  open(options, ports) {
    const { reversible, propagationMs, goneIsRevoked, verifyUrl } = options;
    const sign = openSigner(options.secrets);
    const endpoint = openHttp(options, ports);
    const verifier = verifyUrl && openHttp({ ...options, url: verifyUrl }, ports);
    const post = (order: RevocationOrder, type: 'revoke' | 'undo', signal: AbortSignal) => {
      const { id } = order.action;
      const body = JSON.stringify(revocationMessageOf(order, type));
      return endpoint.post(body, { ...sign(id, body, ports.clock.now()), 'idempotency-key': id }, signal);
    };
    return {
      kind: 'webhook',
      propagationMs,
      async revoke(order, signal) {
        const { outcome, status } = await post(order, 'revoke', signal);
        return goneIsRevoked ? gone(outcome, status) : outcome;
      },
      async verify(order, signal) {
        if (verifier === undefined) return { kind: 'unknown', detail: 'no verifyUrl is configured' };
        const { body, headers } = question(order, sign, ports);
        return verificationOf(await verifier.post(body, headers, signal), goneIsRevoked);
      },
      async undo(order, signal) {
        if (!reversible) return { kind: 'refused', detail: 'this revoker is configured as not reversible' };
        return (await post(order, 'undo', signal)).outcome;
      },
      async close() {
        await Promise.all([endpoint.close(), verifier?.close()]);
      },
    };
  },
});

function gone(outcome: DeliveryOutcome, status: number | null): DeliveryOutcome {
  if (status === null || !GONE.has(status)) return outcome;
  return { kind: 'accepted', detail: `${outcome.detail}: the token does not exist there (any more)` };
}

/** Every question is a new message: under the order's id the other side might answer what it answered last time. */
function question(order: RevocationOrder, sign: Sign, { clock }: DeliveryPorts) {
  const body = JSON.stringify(revocationMessageOf(order, 'verify'));
  const now = clock.now();
  return { body, headers: sign(`${order.action.id}.verify.${now}`, body, now) };
}

function verificationOf({ outcome, status, body }: HttpResult, goneIsRevoked: boolean): Verification {
  const { detail } = outcome;
  if (goneIsRevoked && status !== null && GONE.has(status))
    return { kind: 'verified', detail: `${detail}: the token is gone` };
  if (outcome.kind === 'retry') return outcome;
  if (outcome.kind === 'refused') return { kind: 'unknown', detail };
  const active = activeIn(body);
  if (active === undefined)
    return { kind: 'unknown', detail: `${detail} without {"active": true} or {"active": false}` };
  return active
    ? { kind: 'ineffective', detail: `${detail}: the token is still active` }
    : { kind: 'verified', detail: `${detail}: the token is not active` };
}

function activeIn(body: string): boolean | undefined {
  try {
    const parsed = z.looseObject({ active: z.boolean() }).safeParse(JSON.parse(body));
    return parsed.success ? parsed.data.active : undefined;
  } catch {
    // No JSON is no answer: `unknown` says so.
    return undefined;
  }
}
