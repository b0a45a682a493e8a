import { describe, expect, it } from 'vitest';
import type { Received } from '../../src/cli/demo/receiver.ts';
import { judge } from '../../src/cli/demo/verdict.ts';
import { alertMessageOf, revocationMessageOf } from '../../src/deliver/alert-message.ts';
import { sampleNotification, sampleOrder, sampleRevocation } from '../deliver/sample.ts';

const STOLEN = 'svc-billing';
const order: Received = { at: 300, genuine: true, body: revocationMessageOf(sampleOrder(), 'revoke') };
const proof: Received = { at: 3800, genuine: true, body: alertMessageOf(sampleNotification()) };
const pending: Received = {
  ...proof,
  body: alertMessageOf(sampleNotification({ revocation: sampleRevocation({ state: 'accepted' }) })),
};
const blamed: Received = { ...proof, body: { ...proof.body, token: 'tok-honest' } };

describe('the demo’s verdict', () => {
  it('is good when the stolen token was revoked and proven out of use, and nobody else was told about', () => {
    expect(judge([pending, order, proof], STOLEN)).toEqual({
      revokedAt: 300,
      verifiedAt: 3800,
      isGenuine: true,
      honest: [],
      failures: [],
    });
  });

  it.each([
    ['nothing came', [], 'the theft was missed'],
    ['only an alert came', [pending], 'the theft was missed'],
    ['it was never proven', [order, pending], 'the revocation was not verified'],
    ['a signature was wrong', [order, { ...proof, genuine: false }], 'a webhook was not signed as it should be'],
    ['an honest token was hit', [order, proof, blamed], 'honest tokens were blamed: tok-honest'],
  ])('is bad when %s', (_, received, failure) => {
    expect(judge(received, STOLEN).failures).toEqual([failure]);
  });
});
