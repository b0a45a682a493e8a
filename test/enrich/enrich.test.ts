import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { createEnrich, type EnrichOptions } from '../../src/enrich/enrich.ts';
import { networkOf } from '../../src/enrich/network.ts';
import { looksLikeSecret } from '../../src/enrich/secret-shape.ts';
import { addressOf } from '../../src/normalise/fields.ts';
import { createKeys } from '../../src/runtime/keys.ts';

const NOW = Date.UTC(2026, 8, 7, 9);
const DAY_MS = 86_400_000;

function enrichWith(options: Partial<EnrichOptions> = {}) {
  return createEnrich({
    namespace: null,
    fingerprintTokens: 'when-secret',
    fingerprint: createKeys('key').fingerprint,
    factsOfAddress: () => null,
    factsOfToken: () => null,
    ageMsMax: DAY_MS,
    ...options,
  });
}

const event = (token: string, overrides = {}) => ({ ...blankEvent('s/0/1', token, NOW), ...overrides });

describe('enrich: tokens', () => {
  const secret = `ghp_${'aZ9'.repeat(12)}`;

  it('replaces what looks like a credential by a keyed fingerprint, and leaves ids alone', () => {
    const enrich = enrichWith();
    const { token } = enrich(event(secret), NOW);
    expect(token).toMatch(/^fp:[0-9a-f]{32}$/);
    expect(enrich(event(secret), NOW).token).toBe(token);
    expect(enrichWith({ fingerprint: createKeys('other').fingerprint })(event(secret), NOW).token).not.toBe(token);
    expect(enrich(event('svc-billing'), NOW).token).toBe('svc-billing');
  });

  it('does so always or never when told to', () => {
    expect(enrichWith({ fingerprintTokens: 'always' })(event('svc-billing'), NOW).token).toMatch(/^fp:/);
    expect(enrichWith({ fingerprintTokens: 'never' })(event(secret), NOW).token).toBe(secret);
  });

  it('puts the namespace before it, and finds what is known of it by the result', () => {
    const enrich = enrichWith({
      namespace: 'eu',
      factsOfToken: (token) => (token === 'eu/svc' ? { owner: 'team a', environment: 'production' } : null),
    });
    expect(enrich(event('svc'), NOW)).toMatchObject({ token: 'eu/svc', owner: 'team a', environment: 'production' });
  });

  it('lets no token pose as one of our own keys', () => {
    expect(enrichWith()(event('\u0000origin'), NOW).token).toBe('\uFFFDorigin');
  });
});

describe('enrich: times', () => {
  it.each([
    ['an hour old', NOW - 3_600_000, NOW - 3_600_000],
    ['of 1970', 0, NOW - DAY_MS],
    ['a minute ahead', NOW + 60_000, NOW + 60_000],
    ['of 2200', Date.UTC(2200, 0), NOW + 120_000],
  ])('%s', (_, at, expected) => {
    expect(enrichWith()({ ...event('a'), at }, NOW).at).toBe(expected);
  });

  it('of history stay as they are', () => {
    expect(enrichWith({ ageMsMax: null })({ ...event('a'), at: 5 }, NOW).at).toBe(5);
    expect(enrichWith()({ ...event('a'), at: 5 }, null).at).toBe(5);
  });
});

describe('enrich: addresses', () => {
  it('adds network, system and country, and asks once for each address', () => {
    const asked: string[] = [];
    const enrich = enrichWith({
      factsOfAddress: (address) => {
        asked.push(address);
        return { asn: 64500, country: 'DE' };
      },
    });
    for (let i = 0; i < 3; i++) {
      expect(enrich(event('a', { address: '192.0.2.7' }), NOW)).toMatchObject({
        network: '192.0.2.0/24',
        asn: 64500,
        country: 'DE',
      });
    }
    expect(asked).toEqual(['192.0.2.7']);
    expect(enrich(event('a'), NOW)).toMatchObject({ network: null, asn: null, country: null });
  });
});

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['10.0.0.255', '10.0.0.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['192.0.2.256', null],
    ['[local]', null],
    ['', null],
  ])('%s → %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('takes every address that formats give, by either way of reading it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const canonical = addressOf(address);
        if (canonical !== null) expect(networkOf(canonical)).toMatch(/\/(24|48)$/);
      }),
    );
  });
});

describe('looksLikeSecret', () => {
  it.each([
    `github_pat_${'x1'.repeat(20)}`,
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${'x'.repeat(43)}`,
    `xoxb-1234567890-${'a'.repeat(24)}`,
  ])('%s', (text) => {
    expect(looksLikeSecret(text)).toBe(true);
  });

  it.each(['svc-billing', 'billing@example.com', 'app.orders-reader', 'sk-short', 'eyJ'])('not %s', (text) => {
    expect(looksLikeSecret(text)).toBe(false);
  });
});
