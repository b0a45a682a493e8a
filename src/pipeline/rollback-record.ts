import type { Rollback } from '../detect/rollback.ts';
import type { NewRecord } from '../log/log.ts';
import { besideEventIn } from './beside-event.ts';

/** How a rollback stands among its token's events: as a verdict does. */
const BEGINNINGS = [Buffer.from('{"rollback":')];

type Wire = Omit<Rollback, 'snapshot'> & { readonly snapshot: string };

export function rollbackRecord(rollback: Rollback): NewRecord {
  const { token, at, to, detectors, keyCheck, by, snapshot } = rollback;
  const wire: Wire = { token, at, to, detectors, keyCheck, by, snapshot: Buffer.from(snapshot).toString('base64') };
  return { key: token, value: Buffer.from(JSON.stringify({ rollback: wire })) };
}

/** The rollback that a record of the events log carries instead of an event; `undefined`: none. */
export function rollbackIn(value: Uint8Array): Rollback | undefined {
  // Throws where there is no snapshot.
  return besideEventIn(value, BEGINNINGS, ({ rollback }: { readonly rollback: Wire }) => {
    return { ...rollback, snapshot: Buffer.from(rollback.snapshot, 'base64') };
  });
}
