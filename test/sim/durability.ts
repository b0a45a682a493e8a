import type { ActionEntry } from '../../src/decide/entries.ts';
import { readSnapshot } from '../../src/detect/snapshot.ts';
import { decodePosition } from '../../src/ingest/source.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { decodeLedgerEntry } from '../../src/pipeline/ledger.ts';
import { madeTableIn } from '../../src/pipeline/made-table-record.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import type { JournalEntry } from './broker.ts';
import { RAW_TOPIC, SOURCE_GROUP } from './input.ts';
import { leaksOf } from './leaks.ts';
import { type Expected, idOfRaw } from './oracle.ts';
import { requestsOf } from './people.ts';
import { assessmentsOf, idOfLetter, idOfStored, saidIn } from './reading.ts';
import type { World } from './world.ts';

type CommitEntry = Extract<JournalEntry, { readonly kind: 'commit' }>;

/** A commit implies that everything that follows from what it covers is durable: follows the journal and looks at every commit. */
export function* durability(world: World, expected: Expected): Generator<string> {
  const durable = new Durable(world, expected);
  for (const entry of world.broker.journal) {
    if (entry.kind === 'append') durable.append(entry.topic, entry.record);
    else yield* durable.commit(entry);
  }
  yield* durable.end();
}

/** What is durable at one moment of the journal. */
class Durable {
  readonly #expected: Expected;
  /** Of events and dead letters. */
  readonly #ids = new Set<string>();
  readonly #findings = new Set<string>();
  readonly #stamps = new Map<string, number>();
  readonly #events: readonly Map<number, { readonly token: string; readonly id: string }>[];
  readonly #taken = new Map<string, number>();
  #findingsTaken = -1;
  /** By offset: the token that is meant, and when it was said. */
  readonly #requests: ReadonlyMap<number, { readonly token: string; readonly at: number }>;
  /** Verdicts and notices in the events log, and in the ledger. */
  readonly #passedOn = new Set<string>();
  readonly #kept = new Set<string>();
  readonly #unannounced: string[] = [];

  constructor({ history, broker }: World, expected: Expected) {
    const asked: Iterable<readonly [number, { readonly token: string; readonly at: number }]>[] = [
      requestsOf(broker),
      leaksOf(broker),
    ];
    this.#requests = new Map(asked.flatMap((each) => [...each]));
    this.#expected = expected;
    this.#events = history.partitions.map(() => new Map());
    for (const [partition, { end }] of history.partitions.entries())
      this.#taken.set(`${GROUPS.detect}/${TOPICS.events}/${partition}`, end);
  }

  /** Revocations whose proof is in the ledger before their tokens' baselines can hear of it. */
  *end(): Generator<string> {
    for (const id of this.#unannounced)
      yield `durability: the proof of ${id} was not passed on before the ledger had it`;
  }

  append(topic: string, record: LogRecord): void {
    const { key, partition, offset } = record;
    const said = topic === TOPICS.events ? saidIn(record.value as Buffer) : undefined;
    if (said) {
      this.#passedOn.add(`${said.token} ${said.at}`);
      this.#events[partition]?.set(offset, { token: key ?? '', id: `what was said at ${partition}/${offset}` });
    } else if (topic === TOPICS.events && madeTableIn(record.value as Buffer) === undefined) {
      const id = idOfStored(record);
      // A second copy changes nothing, and nothing follows from it.
      if (!this.#ids.has(id)) this.#events[partition]?.set(offset, { token: key ?? '', id });
      this.#ids.add(id);
    } else if (topic === TOPICS.deadLetters) this.#ids.add(idOfLetter(record));
    else if (topic === TOPICS.findings) for (const { id } of assessmentsOf(record)) this.#findings.add(id);
    else if (topic === TOPICS.baselines && key !== null && !key.startsWith('\u0000'))
      this.#stamps.set(key, Math.max(stampOf(record.value as Buffer), this.#stamps.get(key) ?? -1));
    else if (topic === TOPICS.ledger) {
      const ledger = decodeLedgerEntry(record);
      if (ledger?.kind === 'notice') this.#kept.add(`${ledger.entry.token} ${ledger.entry.at}`);
      if (ledger?.kind === 'action' && isUnannounced(ledger.entry, this.#passedOn))
        this.#unannounced.push(ledger.entry.action.id);
      if (ledger?.kind !== 'alert') return;
      this.#findingsTaken = Math.max(this.#findingsTaken, ledger.entry.offset);
      for (const { token, at } of ledger.entry.verdicts ?? []) this.#kept.add(`${token} ${at}`);
    }
  }

  *commit({ group, topic, partition, committed }: CommitEntry): Generator<string> {
    const key = `${group}/${topic}/${partition}`;
    const from = this.#taken.get(key) ?? 0;
    this.#taken.set(key, committed.offset);
    if (group === SOURCE_GROUP) yield* this.#sourceCommit(partition, from, committed.offset, committed.metadata);
    else if (group === GROUPS.detect) yield* this.#detectCommit(partition, from, committed.offset);
    else if (group === GROUPS.respond) yield* this.#respondCommit(from, committed.offset);
  }

  *#respondCommit(from: number, to: number): Generator<string> {
    let last = to - 1;
    while (this.#requests.has(last)) last -= 1;
    if (this.#findingsTaken < last) yield `durability: finding ${last} was committed before its alert`;
    for (let offset = from; offset < to; offset++) {
      const request = this.#requests.get(offset);
      if (request === undefined) continue;
      const name = `${request.token} ${request.at}`;
      if (!this.#passedOn.has(name)) yield `durability: request ${offset} was committed before it was passed on`;
      if (!this.#kept.has(name)) yield `durability: request ${offset} was committed before the ledger had it`;
    }
  }

  *#sourceCommit(partition: number, from: number, to: number, metadata: string): Generator<string> {
    if (decodePosition(metadata) === undefined)
      yield `durability: a position of ${RAW_TOPIC}/${partition} without its log ends`;
    for (let offset = from; offset < to; offset++) {
      const id = idOfRaw(partition, offset);
      if (!this.#ids.has(id) && !this.#expected.lostIds.has(id))
        yield `durability: ${id} was committed before it was durable`;
    }
  }

  *#detectCommit(partition: number, from: number, to: number): Generator<string> {
    for (let offset = from; offset < to; offset++) {
      const event = this.#events[partition]?.get(offset);
      if (event === undefined || this.#expected.lostTokens.has(event.token)) continue;
      // Told to be lost, and came all the same: then the partition takes it for a second copy.
      if (this.#expected.lostIds.has(event.id)) continue;
      if ((this.#stamps.get(event.token) ?? -1) < offset)
        yield `durability: ${event.id} was committed before its baseline`;
      if (this.#expected.assessments.has(event.id) && !this.#findings.has(event.id))
        yield `durability: ${event.id} was committed before its finding`;
    }
  }
}

/** The stamp is the record's first number, plus one. */
function stampOf(snapshot: Buffer): number {
  const { record } = readSnapshot(snapshot);
  return Buffer.from(record).readDoubleLE(0) - 1;
}

function isUnannounced({ action, state, changedAt }: ActionEntry, passedOn: ReadonlySet<string>): boolean {
  return action.kind === 'revoke' && state === 'verified' && !passedOn.has(`${action.token} ${changedAt}`);
}
