import type { Rollback } from '../detect/rollback.ts';
import type { NewRecord } from '../log/log.ts';

/** How a rollback stands among its token's events: as a verdict does, and told from events and from dead letters in the same way (`aside-record.ts`). */
const BEGIN = Buffer.from('{"rollback":');

type Wire = Omit<Rollback, 'snapshot'> & { readonly snapshot: string };

export function rollbackRecord(rollback: Rollback): NewRecord {
  const { token, at, to, detectors, keyCheck, by, snapshot } = rollback;
  const wire: Wire = { token, at, to, detectors, keyCheck, by, snapshot: Buffer.from(snapshot).toString('base64') };
  return { key: token, value: Buffer.from(JSON.stringify({ rollback: wire })) };
}

/** The rollback that a record of the events log carries instead of an event; `undefined`: none. */
export function rollbackIn(value: Uint8Array): Rollback | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (!bytes.subarray(0, BEGIN.length).equals(BEGIN)) return undefined;
  try {
    const { rollback } = JSON.parse(bytes.toString()) as { rollback: Wire };
    // Throws where there is none.
    return { ...rollback, snapshot: Buffer.from(rollback.snapshot, 'base64') };
  } catch {
    return undefined;
  }
}
