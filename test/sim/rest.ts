import { LedgerReader } from '../../src/pipeline/ledger.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import type { Broker } from './broker.ts';
import { RAW_TOPIC, SOURCE_GROUP } from './input.ts';

/** Who reads what to its end. */
const READERS = [
  [SOURCE_GROUP, RAW_TOPIC],
  [GROUPS.detect, TOPICS.events],
  [GROUPS.respond, TOPICS.findings],
  [GROUPS.archive, TOPICS.events],
  [GROUPS.archive, TOPICS.findings],
  [GROUPS.archive, TOPICS.ledger],
] as const;

/** Longer than a process takes to be missed, started anew, and to say what it has found. */
const QUIET_MS = 15_000;

/**
 * Where retention has taken everything, positions alone do not tell whether somebody is still at work on what was there: so nothing may have
 * happened for a while either.
 *
 * @param now the simulated time, ms
 * @returns tells whether everything is read, and every action settled
 */
export function watchRest(broker: Broker, now: () => number): () => boolean {
  const isSettled = watchSettled(broker);
  let length = 0;
  let quietSince = now();
  return () => {
    if (!isSettled() || broker.journal.length !== length) {
      length = broker.journal.length;
      quietSince = now();
    }
    return now() - quietSince >= QUIET_MS;
  };
}

function watchSettled(broker: Broker): () => boolean {
  const reader = new LedgerReader();
  const open = new Set<string>();
  return () => {
    if (!READERS.every(([group, topic]) => isRead(broker, group, topic))) return false;
    for (const record of broker.read(TOPICS.ledger, 0, reader.position, Number.POSITIVE_INFINITY)) {
      const read = reader.take(record);
      if (read === undefined || read.isVoid || read.entry.kind !== 'action') continue;
      const { state, action } = read.entry.entry;
      if (state === 'approved' || (state === 'accepted' && action.kind === 'revoke')) open.add(action.id);
      else open.delete(action.id);
    }
    return open.size === 0;
  };
}

/** Records that retention has taken are nobody's to read any more. */
function isRead(broker: Broker, group: string, topic: string): boolean {
  return broker
    .partitions(topic)
    .every(({ end, earliest }, i) => Math.max(earliest, broker.committed(group, topic, i)?.offset ?? 0) === end);
}
