const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A short id derived from what it names: `prefix_` and 16 characters of Crockford's base 32 (80 bits of a non-cryptographic hash). The same
 * parts give the same id on every replay and instance. Only for parts that no attacker chooses freely, such as event coordinates.
 */
export function deriveId(prefix: string, ...parts: readonly string[]): string {
  const text = parts.join('\u0000');
  let id = `${prefix}_`;
  for (let word = 0; word < 4; word++) {
    let bits = hash(text, 0x9e3779b9 + 0x61c88647 * word);
    for (let i = 0; i < 4; i++) {
      id += ALPHABET[bits & 31];
      bits >>>= 5;
    }
  }
  return id;
}

/** FNV-1a with the final mix of MurmurHash3. */
function hash(text: string, seed: number): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
