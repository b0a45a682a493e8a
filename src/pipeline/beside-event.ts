/**
 * Reads a record of the events log that carries something else than an event. What it carries is told by how it begins: events that we store begin with
 * `{"id":`, whatever a source sends; and what has no token at its top is a dead letter for a release that does not know it, never an event.
 *
 * @param read what of its JSON is wanted; may throw where there is none
 * @returns `undefined` if it carries nothing of the kind
 */
export function besideEventIn<Carried, Wanted>(
  value: Uint8Array,
  beginnings: readonly Buffer[],
  read: (carried: Carried) => Wanted | undefined,
): Wanted | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (!beginnings.some((beginning) => bytes.subarray(0, beginning.length).equals(beginning))) return undefined;
  try {
    return read(JSON.parse(bytes.toString()) as Carried);
  } catch {
    return undefined;
  }
}
