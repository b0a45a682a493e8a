/** `internal`: an address that is used inside of networks only, and cannot come from the internet. */
export type Origin = 'internal' | 'internet';

const ZERO = 48;
const ONE = 49;

/**
 * Where a network is, by its address alone: private (RFC 1918, 4193), shared by a carrier's or a cloud's customers (6598), link-local and
 * loopback addresses are inside of somebody's network.
 *
 * @param network in CIDR notation, as `networkOf` writes it
 */
export function originOf(network: string): Origin {
  return (network.includes(':') ? isInternalIpv6(network) : isInternalIpv4(network)) ? 'internal' : 'internet';
}

function isInternalIpv4(network: string): boolean {
  // All of them, and half of the internet, begin with a 1. Asked of every event.
  if (network.charCodeAt(0) !== ONE) return false;
  const dot = network.indexOf('.');
  const first = octetAt(network, 0);
  const second = octetAt(network, dot + 1);
  return (
    first === 10 ||
    first === 127 ||
    (first === 100 && second >= 64 && second < 128) ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168)
  );
}

/** The number whose digits begin there. */
function octetAt(text: string, begin: number): number {
  let octet = 0;
  for (let i = begin; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) break;
    octet = 10 * octet + digit;
  }
  return octet;
}

function isInternalIpv6(network: string): boolean {
  const first = Number.parseInt(network, 16);
  if (Number.isNaN(first) || first === 0) return network.startsWith('::/') || network.startsWith('::1/');
  return (first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfe80;
}
