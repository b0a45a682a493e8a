import type { Received } from './receiver.ts';

/** What has to have happened by the end of the demo, as far as webhooks tell. */
export interface Verdict {
  /** When the order to revoke the stolen token arrived. */
  readonly revokedAt: number | undefined;
  /** When the proof that it is out of use arrived. */
  readonly verifiedAt: number | undefined;
  readonly isGenuine: boolean;
  /** Other tokens that were told about. */
  readonly honest: readonly string[];
  /** What should have happened and did not, or should not have; empty if all is well. */
  readonly failures: readonly string[];
}

/** Judges the demo by the webhooks that arrived. */
export function judge(received: readonly Received[], stolen: string): Verdict {
  const about = received.filter(({ body }) => body.token === stolen);
  const revokedAt = about.find(({ body }) => body.type === 'revoke')?.at;
  const verifiedAt = about.find(({ body }) => body.type === 'alert' && body.revocation?.state === 'verified')?.at;
  const isGenuine = received.every(({ genuine }) => genuine);
  const honest = [...new Set(received.map(({ body }) => body.token).filter((token) => token !== stolen))];
  const failures = [
    ...(revokedAt === undefined ? ['the theft was missed'] : []),
    ...(revokedAt !== undefined && verifiedAt === undefined ? ['the revocation was not verified'] : []),
    ...(isGenuine ? [] : ['a webhook was not signed as it should be']),
    ...(honest.length === 0 ? [] : [`honest tokens were blamed: ${honest.join(', ')}`]),
  ];
  return { revokedAt, verifiedAt, isGenuine, honest, failures };
}
