/** Tables of CRC-32C (Castagnoli) for eight bytes at a time: Kogan and Kounavis, "slicing-by-8", Intel 2006. */
const TABLES = Array.from({ length: 8 }, () => new Uint32Array(256));
const POLYNOMIAL = 0x82f63b78;

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  (TABLES[0] as Uint32Array)[byte] = crc;
}
for (let k = 1; k < 8; k++) {
  const [before, first, table] = [TABLES[k - 1], TABLES[0], TABLES[k]] as [Uint32Array, Uint32Array, Uint32Array];
  for (let byte = 0; byte < 256; byte++) {
    const crc = before[byte] as number;
    table[byte] = (first[crc & 0xff] as number) ^ (crc >>> 8);
  }
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** CRC-32C of `bytes` from `start` on, as an unsigned number. Node's zlib has only the other CRC-32. */
export function crc32c(bytes: Uint8Array, start = 0): number {
  let crc = -1;
  let at = start;
  for (const last = bytes.length - 8; at <= last; at += 8) {
    crc ^=
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24);
    crc =
      entry(T7, crc) ^
      entry(T6, crc >>> 8) ^
      entry(T5, crc >>> 16) ^
      entry(T4, crc >>> 24) ^
      entry(T3, byteAt(bytes, at + 4)) ^
      entry(T2, byteAt(bytes, at + 5)) ^
      entry(T1, byteAt(bytes, at + 6)) ^
      entry(T0, byteAt(bytes, at + 7));
  }
  for (; at < bytes.length; at++) crc = entry(T0, crc ^ byteAt(bytes, at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function entry(table: Uint32Array, index: number): number {
  return table[index & 0xff] as number;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
