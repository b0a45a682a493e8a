import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret } from '../../src/config/secret.ts';
import { openSigner, signingSecrets } from '../../src/deliver/sign.ts';

const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = Buffer.alloc(32, 2).toString('base64');

describe('openSigner', () => {
  const body = JSON.stringify({ text: 'naïve “quotes” \ud800' });
  const headers = openSigner([new Secret(NEW), new Secret(OLD)])('act_1', body, Date.now());

  it('is verified by the library of the specification, with either secret', () => {
    for (const secret of [NEW, OLD]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(headers['webhook-id']).toBe('act_1');
  });

  it('is not verified with another secret, body, id or an old time', () => {
    const other = new Webhook(Buffer.alloc(32, 3).toString('base64'));
    expect(() => other.verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(NEW).verify(`${body} `, headers)).toThrow('No matching signature');
    expect(() => new Webhook(NEW).verify(body, { ...headers, 'webhook-id': 'act_2' })).toThrow('No matching signature');
    const old = openSigner([new Secret(NEW)])('act_1', body, Date.now() - 600_000);
    expect(() => new Webhook(NEW).verify(body, old)).toThrow('too old');
  });
});

describe('signingSecrets', () => {
  it('takes base64 of 24 bytes or more, with or without prefix', () => {
    expect(
      signingSecrets()
        .parse([OLD, NEW])
        .map((secret) => secret.reveal()),
    ).toEqual([OLD, NEW]);
  });

  it.each([
    [[]],
    [['']],
    [['whsec_c2hvcnQ=']],
    [['c2hvcnQ=']],
    [['not base64 at all, but long enough to be']],
    [Array(5).fill(NEW)],
  ])('refuses %j without repeating it', (secrets) => {
    const result = signingSecrets().safeParse(secrets);
    expect(result.success).toBe(false);
    for (const secret of secrets) if (secret) expect(z.prettifyError(result.error!)).not.toContain(secret);
  });
});
