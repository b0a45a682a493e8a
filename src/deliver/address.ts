import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All addresses of a host name, as the machine's resolver gives them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The machine's own resolver, hosts file included. */
export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** Ranges that `allowPrivateAddresses` opens. Link-local ones stay shut: nothing but metadata services lives there. */
const PRIVATE_RANGES: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);

/** Where clouds hand out credentials to whoever asks; some lie in ranges that are public or private otherwise. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
]);

/** An address that must not be connected to; `message` says which and why. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
  readonly code = 'address-refused';
}

/**
 * Why an address must not be connected to; `undefined` if it may. An IPv4 address in IPv6 clothes (v4-mapped) is judged as what it is; those
 * of translators (NAT64, 6to4, Teredo) are refused, since what is behind them cannot be seen.
 */
export function addressRefusal(address: string, allowPrivate: boolean): string | undefined {
  if (!ipaddr.isValid(address)) return 'is no IP address';
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (METADATA_ADDRESSES.has(parsed.toString()) || range === 'linkLocal') return 'is a link-local or metadata address';
  if (PRIVATE_RANGES.has(range)) {
    return allowPrivate ? undefined : `is not public (${range}); set allowPrivateAddresses if it is meant`;
  }
  return range === 'unicast' && isGlobal(parsed) ? undefined : `is not public (${range})`;
}

/** What IPv6 has handed out so far is 2000::/3; the rest is reserved, IPv4-compatible addresses (`::7f00:1`) among it. */
function isGlobal(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.kind() === 'ipv4' || (address.toByteArray()[0] ?? 0) >> 5 === 1;
}

/**
 * A `lookup` for sockets that resolves once, checks every address and hands on what it checked, so that a name cannot point elsewhere by
 * the time of connecting (DNS rebinding). One bad address refuses the name.
 *
 * Sockets do not look literal addresses up: those have to be checked before (`addressRefusal`).
 */
export function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const usable = addresses.filter(({ family }) => !options.family || family === familyOf(options.family));
        const first = usable[0];
        const refusal = refusalOf(hostname, addresses, allowPrivate);
        if (refusal) callback(refusal, []);
        else if (first === undefined) callback(notFound(hostname), []);
        else if (options.all) callback(null, [...usable]);
        else callback(null, first.address, first.family);
      },
      (cause: NodeJS.ErrnoException) => callback(cause, []),
    );
  };
}

function refusalOf(hostname: string, addresses: readonly LookupAddress[], allowPrivate: boolean) {
  for (const { address } of addresses) {
    const refusal = addressRefusal(address, allowPrivate);
    if (refusal) return new AddressRefusedError(`${hostname} resolves to ${address}, which ${refusal}`);
  }
  return undefined;
}

function familyOf(family: number | 'IPv4' | 'IPv6'): number {
  return family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
}
