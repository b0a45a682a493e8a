const MEMO_SIZE = 8192;
/** Names hashed lately. Each event's are asked for by several detectors, twice: a look-up costs less than a long name. */
const memoNames: string[] = new Array<string>(MEMO_SIZE).fill('');
const memoSeeds = new Float64Array(MEMO_SIZE).fill(Number.NaN);
const memoHashes = new Uint32Array(MEMO_SIZE);

/**
 * 32-bit hash of a name under a secret seed (MurmurHash3, Appleby 2011, over UTF-16 code units). Never 0, which marks an empty place.
 */
export function hashName(name: string, seed: number): number {
  const place = placeOf(name);
  if (memoNames[place] === name && memoSeeds[place] === seed) return memoHashes[place] as number;
  const hash = murmur(name, seed);
  memoNames[place] = name;
  memoSeeds[place] = seed;
  memoHashes[place] = hash;
  return hash;
}

/** By a few of its characters: whole words of names are often alike. */
function placeOf(name: string): number {
  const { length } = name;
  if (length === 0) return 0;
  let place = length;
  place = 31 * place + name.charCodeAt(length - 1);
  place = 31 * place + name.charCodeAt(length >> 1);
  place = 31 * place + name.charCodeAt(length >> 2);
  place = 31 * place + name.charCodeAt(length - 1 - (length >> 2));
  return (place ^ (place >>> 13)) & (MEMO_SIZE - 1);
}

function murmur(name: string, seed: number): number {
  let h = seed | 0;
  for (let i = 0; i < name.length; i++) {
    let k = Math.imul(name.charCodeAt(i), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= name.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) >>> 0;
  return h === 0 ? 1 : h;
}
