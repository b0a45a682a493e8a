import { isIP } from 'node:net';
import { z } from 'zod';
import { type Secret, secretString } from '../config/secret.ts';
import { addressRefusal } from './address.ts';

/** Where an outgoing call goes, and what it may do. */
export interface HttpTarget {
  readonly url: Secret;
  /** For one attempt, from looking the name up to the last byte. */
  readonly timeoutMs: number;
  readonly allowPrivateAddresses: boolean;
  readonly allowInsecure: boolean;
}

/** A URL that may be a secret (Slack's are), as a configuration option. */
export function secretUrl(description: string) {
  return secretString(
    z.string().refine(isHttpUrl, { abort: true, error: 'must be an http(s) URL, without user name and password' }),
  ).describe(description);
}

/** The options that every outgoing HTTP target shares beside its URL. */
export function httpOptions(defaults: { readonly timeoutMs: number }) {
  return {
    timeoutMs: z
      .number()
      .int()
      .min(100)
      .max(60_000)
      .default(defaults.timeoutMs)
      .describe('How long one attempt may take, ms.'),
    allowPrivateAddresses: z
      .boolean()
      .default(false)
      .describe(
        'Whether the host may have a private, loopback, unique-local or carrier-grade NAT address. Link-local and cloud metadata addresses are refused in any case.',
      ),
    allowInsecure: z.boolean().default(false).describe('Whether the URL may be http: instead of https:.'),
  };
}

/**
 * What is wrong with a target as it is written, before anything is looked up; `undefined`: nothing. Shows no more of the URL than scheme
 * and host.
 */
export function targetFault(url: string, allowed: Pick<HttpTarget, 'allowPrivateAddresses' | 'allowInsecure'>) {
  if (!isHttpUrl(url)) return 'the URL is no http(s) URL without user name and password';
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !allowed.allowInsecure) {
    return `${shownUrl(url)} is not encrypted: use https:, or set allowInsecure if this is meant`;
  }
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) === 0) return undefined;
  const refusal = addressRefusal(literal, allowed.allowPrivateAddresses);
  return refusal && `${shownUrl(url)} ${refusal}`;
}

/** For `.superRefine` of a target's configuration: a bad URL stops the start, not the first alert. */
export function checkTarget(config: HttpTarget, context: z.RefinementCtx): void {
  const fault = targetFault(config.url.reveal(), config);
  if (fault) context.addIssue({ code: 'custom', path: ['url'], message: fault });
}

/** As much of a URL as may be shown: the rest can be a secret. */
export function shownUrl(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/…` : 'the URL';
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}
