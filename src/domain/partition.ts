/**
 * Partition of a key, by the rule of Kafka's Java client and of kafkajs: murmur2 of the key's bytes, sign bit cleared, modulo
 * the number of partitions. Both logs use it, so a token's partition can be computed anywhere.
 *
 * @param key UTF-8 encoded before hashing.
 */
export function partitionOf(key: string, partitionCount: number): number {
  return (murmur2(ENCODER.encode(key)) & 0x7fffffff) % partitionCount;
}

const ENCODER = new TextEncoder();
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

function murmur2(data: Uint8Array): number {
  let h = SEED ^ data.length;
  let i = 0;
  for (; i + 4 <= data.length; i += 4) {
    let k = byte(data, i) | (byte(data, i + 1) << 8) | (byte(data, i + 2) << 16) | (byte(data, i + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  if (i < data.length) {
    for (let j = data.length - 1; j >= i; j--) h ^= byte(data, j) << (8 * (j - i));
    h = Math.imul(h, M);
  }
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

function byte(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}
