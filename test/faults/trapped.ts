import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Committed, GroupOptions, Log, LogRecord, Member, NewRecord, TopicPartition } from '../../src/log/log.ts';
import type { ArchiveSink } from '../../src/pipeline/archive.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { type Step, TRAPPED, type Trap } from './steps.ts';

/** Passes everything on to the real log and the real store, and sends this very process a signal at the step of its trap. */
export function trapped(first: Trap | undefined): {
  readonly log: (log: Log) => Log;
  readonly sinks: (sinks: readonly ArchiveSink[]) => readonly ArchiveSink[];
  /** Another trap, from now on. */
  readonly arm: (next: Trap) => void;
} {
  let [armed, turn] = [first, 0];
  const pass = async <T>(step: Step | undefined, act: () => Promise<T>): Promise<T> => {
    const trap = armed;
    if (trap === undefined || step !== trap.step || ++turn !== trap.turn) return act();
    if (trap.moment === 'before') spring(trap);
    const acting = act();
    if (trap.moment === 'during') {
      acting.catch(() => undefined);
      await setImmediate();
      spring(trap);
    }
    const result = await acting;
    if (trap.moment === 'after') spring(trap);
    return result;
  };
  return {
    arm: (next) => {
      [armed, turn] = [next, 0];
    },
    log: (log) => ({
      ensureTopics: (topics) => log.ensureTopics(topics),
      offsets: (topic) => log.offsets(topic),
      committed: (group, topic) => log.committed(group, topic),
      incarnation: (topic) => log.incarnation(topic),
      close: () => log.close(),
      append: (topic, records) => pass(appendStep(topic, records), () => log.append(topic, records)),
      join: (options) => join(log, options, pass),
      read: (topic, partition, range) => read(log.read(topic, partition, range), readStep(topic), pass),
    }),
    sinks: (sinks) =>
      sinks.map(({ insert, ...rest }) => ({
        ...rest,
        insert: (records, token) => pass('archive: insert', () => insert(records, token)),
      })),
  };
}

type Pass = <T>(step: Step | undefined, act: () => Promise<T>) => Promise<T>;

function spring({ signal }: Trap): void {
  writeSync(2, `${TRAPPED}\n`);
  process.kill(process.pid, signal);
}

async function join(log: Log, options: GroupOptions, pass: Pass): Promise<Member> {
  const member = await log.join(options);
  return {
    done: member.done,
    stop: () => member.stop(),
    commit: (partition: TopicPartition, position: Committed) =>
      pass(commitStep(options.group, position), () => member.commit(partition, position)),
  };
}

/** Before the first batch, during, and after the last. */
async function* read(
  batches: AsyncIterable<readonly LogRecord[]>,
  step: Step | undefined,
  pass: Pass,
): AsyncIterable<readonly LogRecord[]> {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await pass(step, () => iterator.next());
  if (first.done === true) return;
  yield first.value;
  yield* { [Symbol.asyncIterator]: () => iterator };
}

function readStep(topic: string): Step | undefined {
  if (topic === TOPICS.baselines) return 'detect: restore';
  return topic === TOPICS.ledger ? 'respond: restore' : undefined;
}

function commitStep(group: string, { metadata }: Committed): Step | undefined {
  if (group === GROUPS.detect) return 'detect: commit';
  if (group === GROUPS.respond) return 'respond: commit';
  if (group !== GROUPS.archive) return undefined;
  return metadata === '' ? 'archive: commit' : 'archive: announce';
}

function appendStep(topic: string, records: readonly NewRecord[]): Step | undefined {
  switch (topic) {
    case TOPICS.events:
      return 'collect: append events';
    case TOPICS.deadLetters:
      return 'collect: append dead letters';
    case TOPICS.positions:
      return 'collect: commit position';
    case TOPICS.findings:
      return 'detect: append findings';
    case TOPICS.baselines:
      return 'detect: append baselines';
    default:
      return ledgerStep(records);
  }
}

/** A term's record comes alone; a decision that does not follow from an outcome has actions which were not tried yet, all of them. */
function ledgerStep(records: readonly NewRecord[]): Step {
  const entries = records.map(({ value }) => JSON.parse(String(value)) as { kind: string; entry?: Entry });
  if (entries.some(({ kind }) => kind === 'term')) return 'respond: begin term';
  const tried = entries.some(({ kind, entry }) => kind === 'action' && (entry?.attemptCount ?? 0) > 0);
  return tried ? 'respond: append outcome' : 'respond: append decision';
}

interface Entry {
  readonly attemptCount?: number;
}
