import { alertIdOf } from '../../src/decide/group.ts';
import type { ActionEntry } from '../../src/decide/responder.ts';
import type { Engine } from '../../src/detect/engine.ts';
import { readSnapshot } from '../../src/detect/snapshot.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { decodePosition } from '../../src/ingest/source.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { decodeLedgerEntry, LedgerReader } from '../../src/pipeline/ledger.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { PARTITION_COUNT } from './history.ts';
import { RAW_TOPIC, SOURCE, SOURCE_GROUP } from './input.ts';
import { type Expected, enginesOf, expect, restore, stateOf } from './oracle.ts';
import type { World } from './world.ts';

/** Looks at a world at rest. @returns what is wrong with it, the invariant's name first */
export function breaches(world: World): readonly string[] {
  if (!world.rested) return [...world.faults, `progress: not at rest after ${Math.round(world.endedAtMs / 1000)} s`];
  const expected = expect(world.broker, world.history);
  return [
    ...world.faults,
    ...accounting(world, expected),
    ...baselines(world, expected),
    ...findings(world, expected),
    ...decisions(world, expected),
    ...durability(world, expected),
    ...archive(world),
    ...bodies(world),
    ...budget(world),
  ];
}

/**
 * Every record of the source is an event or a dead letter. A copy of a collector that had lost its lane may stand beside it; that it counts
 * once is for the baselines to show.
 */
function* accounting({ broker }: World, { eventIds, deadLetterIds }: Expected): Generator<string> {
  const events = broker.partitions(TOPICS.events).flatMap(({ records }) => records.map(({ value }) => idOf(value)));
  const letters = broker
    .partition(TOPICS.deadLetters, 0)
    .records.map(({ value }) => decodeDeadLetter(value as Buffer).id);
  yield* compare('accounting: event', [...new Set(events)], eventIds);
  yield* compare('accounting: dead letter', [...new Set(letters)], deadLetterIds);
}

function* compare(what: string, found: readonly string[], wanted: ReadonlySet<string>): Generator<string> {
  const seen = new Set<string>();
  for (const id of found) {
    if (seen.has(id)) yield `${what} ${id} is there twice`;
    if (!wanted.has(id)) yield `${what} ${id} should not be there`;
    seen.add(id);
  }
  for (const id of wanted) if (!seen.has(id)) yield `${what} ${id} is missing`;
}

/** Each token's baseline is, to the byte, what one undisturbed process makes of the same events. */
function* baselines({ broker, history }: World, expected: Expected): Generator<string> {
  const engines = enginesOf(history);
  for (const [partition, { records }] of broker.partitions(TOPICS.baselines).entries()) {
    for (const { key, value } of records) {
      if (key !== null && value !== null && !key.startsWith('\u0000')) {
        restore(engines[partition] as Engine, key, value);
      }
    }
  }
  for (const [token, state] of engines.flatMap((engine) => [...stateOf(engine)])) {
    const wanted = expected.baselines.get(token);
    if (wanted === undefined || Buffer.compare(state, wanted) !== 0) yield `baselines: ${token} differs`;
  }
}

function assessmentsOf(records: readonly LogRecord[]): readonly Assessment[] {
  return records.flatMap(({ value }) => {
    const record = decodeFindingsRecord(value as Buffer);
    return record.kind === 'assessment' ? [record.assessment] : [];
  });
}

/** What was told is what the undisturbed process tells, and always in the same words. */
function* findings({ broker }: World, { assessments }: Expected): Generator<string> {
  const found = new Map<string, string>();
  for (const assessment of assessmentsOf(broker.partition(TOPICS.findings, 0).records)) {
    const text = JSON.stringify(assessment);
    const before = found.get(assessment.id);
    if (before !== undefined && before !== text) yield `findings: two bodies under ${assessment.id}`;
    found.set(assessment.id, text);
    const wanted = assessments.get(assessment.id);
    if (wanted === undefined) yield `findings: ${assessment.id} should not be there`;
    else if (JSON.stringify({ ...wanted, loggedAt: assessment.loggedAt }) !== text)
      yield `findings: ${assessment.id} says something else`;
  }
  for (const id of assessments.keys()) if (!found.has(id)) yield `findings: ${id} is missing`;
}

/** Alerts are complete; who was to be told was told; whose token was to be revoked was asked to. */
function* decisions(world: World, { assessments }: Expected): Generator<string> {
  const { broker, targets } = world;
  const alerts = new Set<string>();
  const actions = new Map<string, ActionEntry>();
  const reader = new LedgerReader();
  for (const record of broker.partition(TOPICS.ledger, 0).records) {
    const read = reader.take(record);
    if (read === undefined || read.isVoid) continue;
    if (read.entry.kind === 'alert') alerts.add(read.entry.entry.alert.id);
    else actions.set(read.entry.entry.action.id, read.entry.entry);
  }
  const wanted = new Set([...assessments.values()].map(alertIdOf));
  yield* compare('decisions: alert', [...alerts], wanted);
  const arrived = new Set(targets.calls.map(({ actionId }) => actionId));
  for (const { action, state } of actions.values()) {
    const isDone = state === 'accepted' || state === 'verified' || state === 'ineffective';
    if (isDone && !arrived.has(action.id)) yield `decisions: ${action.id} is ${state} and never arrived`;
  }
  for (const id of arrived) if (!actions.has(id)) yield `decisions: ${id} was done and is not in the ledger`;
  const revoked = new Set(
    [...actions.values()].filter(({ action }) => action.kind === 'revoke').map(({ action }) => action.token),
  );
  const due = new Set(
    [...assessments.values()]
      .filter((one) => one.score >= one.revokeThreshold && dimensionsOf(one) >= 2)
      .map(({ token }) => token),
  );
  // What is over the threshold, in two dimensions, is at least in the ledger with the reason why not.
  for (const token of due) if (!revoked.has(token)) yield `decisions: ${token} was to be revoked`;
}

function dimensionsOf({ findings }: Assessment): number {
  return new Set(
    findings
      .filter(({ contribution, trust }) => contribution >= 1 && trust !== 'claimed')
      .map(({ dimension }) => dimension),
  ).size;
}

/** A commit implies that everything that follows from what it covers is durable. */
function* durability({ broker, history }: World, expected: Expected): Generator<string> {
  const done = { ids: new Set<string>(), findings: new Set<string>(), findingsTaken: -1, actions: new Set<string>() };
  const stamps = new Map<string, number>();
  const events = Array.from({ length: PARTITION_COUNT }, () => new Map<number, { token: string; id: string }>());
  const taken = new Map<string, number>();
  for (const entry of broker.journal) {
    if (entry.kind === 'append') {
      const { topic, record } = entry;
      if (topic === TOPICS.events) {
        const id = idOf(record.value);
        // A second copy changes nothing, and nothing follows from it.
        if (!done.ids.has(id)) events[record.partition]?.set(record.offset, { token: record.key ?? '', id });
        done.ids.add(id);
      } else if (topic === TOPICS.deadLetters) done.ids.add(decodeDeadLetter(record.value as Buffer).id);
      else if (topic === TOPICS.findings) for (const { id } of assessmentsOf([record])) done.findings.add(id);
      else if (topic === TOPICS.baselines && record.key !== null && !record.key.startsWith('\u0000'))
        stamps.set(record.key, Math.max(stampOf(record.value as Buffer), stamps.get(record.key) ?? -1));
      else if (topic === TOPICS.ledger) {
        const ledger = decodeLedgerEntry(record);
        if (ledger?.kind === 'alert') done.findingsTaken = Math.max(done.findingsTaken, ledger.entry.offset);
      }
      continue;
    }
    const { group, partition, committed, topic } = entry;
    const from =
      taken.get(`${group}/${topic}/${partition}`) ?? (group === GROUPS.detect ? history.partitions[partition]!.end : 0);
    taken.set(`${group}/${topic}/${partition}`, committed.offset);
    if (group === SOURCE_GROUP) {
      if (decodePosition(committed.metadata) === undefined) yield `durability: a position without its log ends`;
      for (let offset = from; offset < committed.offset; offset++) {
        const id = `${SOURCE}/${RAW_TOPIC}-${partition}/${offset}`;
        if (!done.ids.has(id)) yield `durability: ${id} was committed before it was durable`;
      }
    } else if (group === GROUPS.detect) {
      for (let offset = from; offset < committed.offset; offset++) {
        const event = events[partition]?.get(offset);
        if (event === undefined) continue;
        if ((stamps.get(event.token) ?? -1) < offset) yield `durability: ${event.id} was committed before its baseline`;
        if (expected.assessments.has(event.id) && !done.findings.has(event.id))
          yield `durability: ${event.id} was committed before its finding`;
      }
    } else if (group === GROUPS.respond && committed.offset > 0 && done.findingsTaken < committed.offset - 1) {
      yield `durability: finding ${committed.offset - 1} was committed before its alert`;
    }
  }
}

/** The stamp is the record's first number, plus one. */
function stampOf(snapshot: Buffer): number {
  const { record } = readSnapshot(snapshot);
  return Buffer.from(record).readDoubleLE(0) - 1;
}

/** Each event of the log stands in the store once, and so do findings and deliveries. */
function* archive({ broker, store, history }: World): Generator<string> {
  const places = new Set(
    broker
      .partitions(TOPICS.events)
      .flatMap(({ records }) => records.map(({ partition, offset }) => `${partition}/${offset}`)),
  );
  const rows = (store.tables.get('events') ?? []).map((row) => `${row['log_partition']}/${row['log_offset']}`);
  yield* compare('archive: event', rows, places);
  const findingRows = (store.tables.get('findings') ?? []).map((row) => `${row['log_offset']}/${row['id']}`);
  const wanted = broker
    .partition(TOPICS.findings, 0)
    .records.flatMap(({ offset, value }) =>
      assessmentsOf([{ value } as LogRecord]).flatMap((one) => one.findings.map(({ id }) => `${offset}/${id}`)),
    );
  yield* compare('archive: finding', findingRows, new Set(wanted));
  void history;
}

/** One id never has two bodies. */
function* bodies({ targets }: World): Generator<string> {
  const said = new Map<string, string>();
  for (const { actionId, body } of targets.calls) {
    const before = said.get(actionId);
    if (before !== undefined && before !== body) yield `bodies: two bodies under ${actionId}`;
    said.set(actionId, body);
  }
}

/** In no window were more revocations asked for than the budget has. */
function* budget({ targets, policy }: World): Generator<string> {
  const { revocationCount, windowMs } = policy.guardRails.budget;
  const decided = new Map<string, number>();
  for (const { kind, actionId, decidedAt, reason } of targets.calls)
    if (kind === 'revoke' && reason === 'policy-revokes') decided.set(actionId, decidedAt);
  const times = [...decided.values()].sort((a, b) => a - b);
  for (const [i, at] of times.entries()) {
    const spent = times.slice(i).filter((other) => other - at < windowMs).length;
    if (spent > revocationCount) yield `budget: ${spent} revocations within ${windowMs} ms, ${revocationCount} allowed`;
  }
}

function idOf(value: Buffer | null): string {
  return (JSON.parse((value as Buffer).toString()) as { id: string }).id;
}
