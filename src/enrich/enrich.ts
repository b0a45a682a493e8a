import { LRUCache } from 'lru-cache';
import { type AuditEvent, LIMITS } from '../domain/audit-event.ts';
import { networkOf } from './network.ts';
import { looksLikeSecret } from './secret-shape.ts';
import { factsFinder } from './statement-facts.ts';

/** What is known about an address beyond its digits. */
export interface AddressFacts {
  readonly asn: number | null;
  readonly country: string | null;
}

/** What the operator says about a token. */
export interface TokenFacts {
  readonly owner: string | null;
  readonly environment: string | null;
}

export interface EnrichOptions {
  /** Put before the token's id, so that two sources may use one name for different tokens. */
  readonly namespace: string | null;
  /** `always`: the source's token is a secret. `when-secret`: only what looks like one. */
  readonly fingerprintTokens: 'always' | 'when-secret' | 'never';
  /** Keyed one-way hash, hexadecimal. */
  readonly fingerprint: (secret: string) => string;
  readonly factsOfAddress: (address: string) => AddressFacts | null;
  readonly factsOfToken: (token: string) => TokenFacts | null;
  /** How much older than its record an event may claim to be, ms; older is moved there. `null`: any age (history from files). */
  readonly ageMsMax: number | null;
}

/** How much later than its record an event may claim to be: two clocks are never alike. */
const AHEAD_MS_MAX = 2 * 60_000;
const ADDRESSES_KEPT = 50_000;

/** Adds to an event what its source does not know. */
export type Enrich = (event: AuditEvent, receivedAt: number | null) => AuditEvent;

/** The facts of addresses seen lately are kept, since most events come from few. */
export function createEnrich(options: EnrichOptions): Enrich {
  const addresses = new LRUCache<string, { readonly network: string | null } & AddressFacts>({ max: ADDRESSES_KEPT });
  const factsOf = (address: string) => {
    const known = addresses.get(address);
    if (known) return known;
    const facts = { network: networkOf(address), asn: null, country: null, ...options.factsOfAddress(address) };
    addresses.set(address, facts);
    return facts;
  };
  const factsOfStatement = factsFinder((shape) => options.fingerprint(`shape\u0000${shape}`));
  return (event, receivedAt) => {
    const token = tokenIdOf(event.token, options);
    const facts = event.address === null ? null : factsOf(event.address);
    const known = options.factsOfToken(token);
    const said = event.statement === null ? null : factsOfStatement(event.statement, event.tables);
    return {
      ...event,
      token,
      at: clampTime(event.at, receivedAt, options.ageMsMax),
      shape: said?.shape ?? event.shape,
      isUnbounded: said === null ? event.isUnbounded : said.isUnbounded,
      network: facts?.network ?? event.network,
      asn: facts?.asn ?? event.asn,
      country: facts?.country ?? event.country,
      owner: known?.owner ?? event.owner,
      environment: known?.environment ?? event.environment,
    };
  };
}

/** The id by which a source's token is known from here on. */
export function tokenIdOf(
  token: string,
  { fingerprintTokens, fingerprint, namespace }: Pick<EnrichOptions, 'fingerprintTokens' | 'fingerprint' | 'namespace'>,
): string {
  const isSecret = fingerprintTokens === 'always' || (fingerprintTokens === 'when-secret' && looksLikeSecret(token));
  // A NUL would let a token pose as one of the baselines log's own keys.
  const id = isSecret ? `fp:${fingerprint(token)}` : token.replaceAll('\u0000', '\uFFFD');
  return namespace === null ? id : `${namespace}/${id}`.slice(0, 2 * LIMITS.nameCharsMax);
}

function clampTime(at: number, receivedAt: number | null, ageMsMax: number | null): number {
  if (receivedAt === null) return at;
  const earliest = ageMsMax === null ? at : receivedAt - ageMsMax;
  return Math.min(receivedAt + AHEAD_MS_MAX, Math.max(earliest, at));
}
