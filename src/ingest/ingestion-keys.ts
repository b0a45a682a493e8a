import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';

/** Whether an `Authorization` header carries one of the keys. Takes as long for a wrong key as for a right one. */
export type Authorise = (header: string | undefined) => boolean;

/**
 * @param keys `null`: everybody may.
 * @throws Error when a list of keys is empty or has an empty one.
 */
export function createAuthorise(keys: readonly string[] | null): Authorise {
  if (keys === null) return () => true;
  if (keys.length === 0 || keys.includes('')) throw new Error('keys must be a list of non-empty ingestion keys');
  const digests = keys.map(digest);
  return (header) => {
    const given = digest(/^Bearer +(.+)$/i.exec(header ?? '')?.[1] ?? '');
    let found = false;
    // Every key is compared, whichever fits.
    for (const expected of digests) found = timingSafeEqual(given, expected) || found;
    return found;
  };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can connect to what listens at a host. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host === 'localhost' : LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
