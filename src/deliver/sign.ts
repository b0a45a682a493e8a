import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { type Secret, secretString } from '../config/secret.ts';

/** What the specification asks of a key, bytes. */
const KEY_BYTES_MIN = 24;
const SECRETS_MAX = 4;

/** The secrets of a signed target, as a configuration option. */
export function signingSecrets() {
  return z
    .array(
      secretString(
        z.string().refine(isSigningSecret, {
          abort: true,
          error: `must be base64 of at least ${KEY_BYTES_MIN} random bytes, optionally after "whsec_"; openssl rand -base64 32 makes one`,
        }),
      ),
    )
    .min(1)
    .max(SECRETS_MAX)
    .describe('Secrets that calls are signed with. More than one while they are rotated: each gives a signature.');
}

/** Makes the headers that prove who sent a body, and that the same id is the same message. */
export type Sign = (id: string, body: string, at: number) => Record<string, string>;

/**
 * Signs as Standard Webhooks (standardwebhooks.com, v1 HMAC-SHA256) says: one signature for each secret, so that the receiver can change
 * its own at leisure.
 */
export function openSigner(secrets: readonly Secret[]): Sign {
  const signers = secrets.map((secret) => new Webhook(secret.reveal()));
  return (id, body, at) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': signers.map((signer) => signer.sign(id, new Date(at), body)).join(' '),
  });
}

function isSigningSecret(text: string): boolean {
  const encoded = text.replace(/^whsec_/, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 !== 0) return false;
  return Buffer.from(encoded, 'base64').byteLength >= KEY_BYTES_MIN;
}
