import ipaddr from 'ipaddr.js';

/**
 * The network an address belongs to, as far as habits go: /24 for IPv4, /48 for IPv6 (the prefix sizes that are routed and handed out as a
 * unit), in CIDR notation. `null` for what is no address.
 */
export function networkOf(address: string): string | null {
  const dots = lastDotOfIpv4(address);
  if (dots > 0) return `${address.slice(0, dots)}.0/24`;
  if (!ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return `${parsed.octets.slice(0, 3).join('.')}.0/24`;
  const kept = parsed.parts.map((part, i) => (i < 3 ? part : 0));
  return `${new ipaddr.IPv6(kept).toString()}/48`;
}

/** Position of the last dot if the text is a plain dotted quad, else -1: spares the parser for nearly all addresses. */
function lastDotOfIpv4(text: string): number {
  let dots = 0;
  let last = -1;
  let value = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (value < 0 || value > 255) return -1;
      dots += 1;
      last = i;
      value = -1;
    } else if (code >= 48 && code <= 57) {
      if (value === 0) return -1;
      value = (value < 0 ? 0 : value * 10) + code - 48;
    } else return -1;
  }
  return dots === 3 && value >= 0 && value <= 255 ? last : -1;
}
