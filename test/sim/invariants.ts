import type { ActionEntry, AlertEntry } from '../../src/decide/entries.ts';
import { alertIdOf } from '../../src/decide/group.ts';
import { Responder } from '../../src/decide/responder.ts';
import { solidScore } from '../../src/decide/solid-score.ts';
import type { Engine } from '../../src/detect/engine.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { GivenNotice } from '../../src/domain/notice.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { LedgerReader } from '../../src/pipeline/ledger.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { restsOf } from '../../src/runtime/watch-conservation.ts';
import type { Gap } from './broker.ts';
import { durability } from './durability.ts';
import { leakedUses, leaksOf } from './leaks.ts';
import { type Expected, enginesOf, expect, fleetOf, restore, stateOf } from './oracle.ts';
import { requestsOf } from './people.ts';
import { assessmentsOf, eventsOf, idOfLetter, idOfStored } from './reading.ts';
import { FLEET_KEY, type World } from './world.ts';

/** Looks at a world at rest. @returns what is wrong with it, the invariant's name first */
export function breachesOf(world: World): readonly string[] {
  if (!world.rested) return [...world.faults, `progress: not at rest after ${Math.round(world.endedAtMs / 1000)} s`];
  const expected = expect(world.broker, world.history);
  return [
    ...world.faults,
    ...accounting(world, expected),
    ...conservation(world),
    ...gaps(world),
    ...baselines(world, expected),
    ...findings(world, expected),
    ...decisions(world, expected),
    ...verdicts(world),
    ...fleetAlerts(world),
    ...leaks(world, expected),
    ...durability(world, expected),
    ...archive(world),
    ...bodies(world),
    ...budget(world),
  ];
}

/**
 * Every record of the source is an event or a dead letter, or was told to be lost. A copy of a collector that had lost its lane may stand
 * beside it; that it counts once is for the baselines to show.
 */
function* accounting({ broker }: World, { eventIds, deadLetterIds, lostIds }: Expected): Generator<string> {
  const events = new Set([...eventsOf(broker.appended(TOPICS.events))].map(idOfStored));
  const letters = new Set([...broker.appended(TOPICS.deadLetters)].map(idOfLetter));
  yield* compare('accounting: event', [...events], eventIds, lostIds);
  yield* compare('accounting: dead letter', [...letters], deadLetterIds, lostIds);
}

/** @param spared may be missing */
function* compare(
  what: string,
  found: readonly string[],
  wanted: ReadonlySet<string>,
  spared: ReadonlySet<string> = new Set(),
): Generator<string> {
  const seen = new Set<string>();
  for (const id of found) {
    if (seen.has(id)) yield `${what} ${id} is there twice`;
    if (!wanted.has(id)) yield `${what} ${id} should not be there`;
    seen.add(id);
  }
  for (const id of wanted) if (!seen.has(id) && !spared.has(id)) yield `${what} ${id} is missing`;
}

/** What processes count of themselves adds up. */
function* conservation({ counts }: World): Generator<string> {
  for (const { stage, topic, partition, restRecords } of counts.flatMap(restsOf))
    if (restRecords !== 0) yield `conservation: ${stage} has a rest of ${restRecords} at ${topic}/${partition}`;
}

/** Records that were deleted before they were read are told, each range. */
function* gaps({ broker, notes }: World): Generator<string> {
  for (const { topic, partition, fromOffset, toOffset } of broker.gaps) {
    const facts = [`"partition":${partition}`, `"fromOffset":${fromOffset}`, `"toOffset":${toOffset}`];
    const isTold = notes.some((note) => note.includes('deleted before') && facts.every((fact) => note.includes(fact)));
    if (!isTold) yield `gaps: ${topic}/${partition} ${fromOffset}-${toOffset} was passed over in silence`;
  }
}

/** Each token's baseline is, to the byte, what one undisturbed process makes of the same events. */
function* baselines({ broker, history }: World, expected: Expected): Generator<string> {
  const engines = enginesOf(history);
  for (const [partition, { records }] of broker.partitions(TOPICS.baselines).entries()) {
    for (const { key, value } of records) {
      if (key === null || value === null) continue;
      const engine = engines[partition] as Engine;
      if (key === FLEET_KEY) engine.fleet.restore(value);
      else if (!key.startsWith('\u0000')) restore(engine, key, value);
    }
  }
  for (const [partition, engine] of engines.entries()) {
    if (!expected.lostPartitions.has(partition) && fleetOf(engine) !== expected.fleets[partition])
      yield `baselines: what the tokens of partition ${partition} have in common differs`;
  }
  for (const [token, state] of engines.flatMap((engine) => [...stateOf(engine)])) {
    const wanted = expected.baselines.get(token);
    if (expected.lostTokens.has(token)) continue;
    if (wanted === undefined || Buffer.compare(state, wanted) !== 0) yield `baselines: ${token} differs`;
  }
}

/** What was told is what the undisturbed process tells, and always in the same words. */
function* findings({ broker }: World, { assessments, lostTokens }: Expected): Generator<string> {
  const found = new Map<string, string>();
  for (const assessment of [...broker.appended(TOPICS.findings)].flatMap(assessmentsOf)) {
    if (lostTokens.has(assessment.token)) continue;
    const text = JSON.stringify(assessment);
    const before = found.get(assessment.id);
    if (before !== undefined && before !== text) yield `findings: two bodies under ${assessment.id}`;
    found.set(assessment.id, text);
    const wanted = assessments.get(assessment.id);
    if (wanted === undefined) yield `findings: ${assessment.id} should not be there`;
    else if (JSON.stringify({ ...wanted, loggedAt: assessment.loggedAt }) !== text)
      yield `findings: ${assessment.id} says something else`;
  }
  for (const { id, token } of assessments.values())
    if (!found.has(id) && !lostTokens.has(token)) yield `findings: ${id} is missing`;
}

/** Alerts are complete; who was to be told was told; whose token was to be revoked was asked to be. */
function* decisions(world: World, { assessments, lostTokens }: Expected): Generator<string> {
  const { alerts, actions, entries } = readLedger(world);
  const certain = [...assessments.values()].filter(({ token }) => !lostTokens.has(token));
  const wanted = new Set(certain.map(alertIdOf));
  const found = [...alerts].filter(([, token]) => !lostTokens.has(token)).map(([id]) => id);
  yield* compare('decisions: alert', found, wanted);
  const arrived = new Set(world.targets.calls.map(({ actionId }) => actionId));
  for (const { action, state } of actions.values()) {
    const isDone = state === 'accepted' || state === 'verified' || state === 'ineffective';
    if (isDone && !arrived.has(action.id)) yield `decisions: ${action.id} is ${state} and never arrived`;
  }
  for (const id of arrived) if (!actions.has(id)) yield `decisions: ${id} was done and is not in the ledger`;
  const answered = new Set([...requestsOf(world.broker).values()].map(({ token }) => token));
  for (const id of wanted) {
    // Whom people have said to leave in peace.
    if (answered.has(alerts.get(id) ?? '')) continue;
    for (const receiver of ['first', 'second']) {
      // What many tokens share is told by the one that leads them.
      const tellers = [id, entries.get(id)?.partOf];
      const isTold = [...actions.values()].some(
        ({ action }) => tellers.includes(action.alertId) && action.target === receiver,
      );
      if (!isTold) yield `decisions: ${receiver} was not told of ${id}`;
    }
  }
  // What is over the threshold, in two dimensions, is at least in the ledger with the reason why not.
  const weighed = new Set(
    [...actions.values()].filter(({ action }) => action.kind === 'revoke').map(({ action }) => action.token),
  );
  for (const { token } of certain.filter(isRevocable))
    if (!weighed.has(token) && !answered.has(token)) yield `decisions: ${token} was to be revoked`;
}

/** What a person has said stands in the ledger with its alert, and has been passed on to the token's baseline. */
function* verdicts(world: World): Generator<string> {
  const { answers } = readLedger(world);
  const passedOn = new Set<string>();
  for (const { value } of world.broker.appended(TOPICS.events)) {
    const aside = asideIn(value as Buffer);
    if (aside && 'verdict' in aside) {
      const { token, kind, at } = aside.verdict;
      passedOn.add(`${token} ${kind} ${at}`);
    }
  }
  for (const { about, token, verdict, at } of requestsOf(world.broker).values()) {
    if (!answers.get(about)?.includes(at)) yield `verdicts: ${verdict} of ${about} is not in the ledger`;
    if (!passedOn.delete(`${token} ${verdict} ${at}`)) yield `verdicts: ${verdict} of ${about} was not passed on`;
  }
  for (const verdict of passedOn) yield `verdicts: ${verdict} was never given`;
}

/** Who leads whom, and of how many tokens it tells, is what one undisturbed responder makes of the same findings. People's answers go by the clock. */
function* fleetAlerts(world: World): Generator<string> {
  const { broker, policy } = world;
  if (requestsOf(broker).size > 0) return;
  const undisturbed = new Responder(policy);
  for (const record of broker.appended(TOPICS.findings))
    for (const assessment of assessmentsOf(record)) undisturbed.onAssessment(assessment, record.offset, 0);
  const placeOf = (entry: AlertEntry | undefined) => `${entry?.partOf} ${entry?.fleet?.tokenCount}`;
  for (const [id, entry] of readLedger(world).entries) {
    const wanted = placeOf(undisturbed.alert(id));
    if (placeOf(entry) !== wanted) yield `fleetAlerts: ${id} is led by ${placeOf(entry)}, and should be by ${wanted}`;
  }
}

/** A token that was reported to have leaked is told of at its next successful use, and is to be revoked; no other use of it is told for that. */
function* leaks(world: World, { lostTokens, lostIds }: Expected): Generator<string> {
  const { reports, actions } = readLedger(world);
  for (const { token, at, stands } of leaksOf(world.broker).values()) {
    const last = reports.get(token);
    if (last === undefined || last.at < at) yield `leaks: what was said of ${token} (${stands}) is not in the ledger`;
  }
  const uses = leakedUses(world.broker).filter(({ event }) => !lostTokens.has(event.token) && !lostIds.has(event.id));
  const told = new Set<string>();
  for (const { id, token, findings } of [...world.broker.appended(TOPICS.findings)].flatMap(assessmentsOf)) {
    if (!lostTokens.has(token) && findings.some(({ detector, bits }) => detector === 'leaked-report' && bits > 0))
      told.add(id);
  }
  const ids = new Set(uses.map(({ event }) => event.id));
  for (const id of told)
    if (!ids.has(id) && !lostIds.has(id)) yield `leaks: ${id} was told of, and is no use that was reported before`;
  const answered = new Set([...requestsOf(world.broker).values()].map(({ token }) => token));
  const weighed = new Set(
    [...actions.values()].flatMap(({ action }) => (action.kind === 'revoke' ? action.token : [])),
  );
  for (const { event } of uses.filter(({ isFirst }) => isFirst)) {
    if (!told.has(event.id))
      yield `leaks: ${event.id} was not told of, the first use of ${event.token} since it leaked`;
    if (!weighed.has(event.token) && !answered.has(event.token)) yield `leaks: ${event.token} was to be revoked`;
  }
}

/** What counts in the ledger: alerts' ids with their tokens, actions, and reports of leaks by token. */
function readLedger({ broker }: World) {
  const alerts = new Map<string, string>();
  const entries = new Map<string, AlertEntry>();
  /** Times of verdicts by alert. */
  const answers = new Map<string, readonly number[]>();
  const actions = new Map<string, ActionEntry>();
  const reports = new Map<string, GivenNotice>();
  const reader = new LedgerReader();
  for (const record of broker.partition(TOPICS.ledger, 0).records) {
    const read = reader.take(record);
    if (read === undefined || read.isVoid) continue;
    if (read.entry.kind === 'alert') {
      const { alert, verdicts = [] } = read.entry.entry;
      alerts.set(alert.id, alert.token);
      entries.set(alert.id, read.entry.entry);
      answers.set(
        alert.id,
        verdicts.map(({ at }) => at),
      );
    } else if (read.entry.kind === 'action') actions.set(read.entry.entry.action.id, read.entry.entry);
    else reports.set(read.entry.entry.token, read.entry.entry);
  }
  return { alerts, entries, actions, answers, reports };
}

/** Score enough and two dimensions on more than anybody's word and an experiment, and four bits beside the strongest. */
function isRevocable(assessment: Assessment): boolean {
  const { revokeThreshold, findings } = assessment;
  const bits: Record<string, number> = {};
  for (const { contribution, trust, status, dimension } of findings)
    if (contribution >= 1 && trust !== 'claimed' && status !== 'experimental')
      bits[dimension] = (bits[dimension] ?? 0) + contribution;
  const rising = Object.values(bits).sort((a, b) => a - b);
  const beside = rising.slice(0, -1).reduce((sum, each) => sum + each, 0);
  return solidScore(assessment) >= revokeThreshold && rising.length >= 2 && beside >= 4;
}

/** Each event of the log stands in the store once, and so does each finding. */
function* archive({ broker, store, notes }: World): Generator<string> {
  const announced = notes.flatMap((note) => (note.includes('they may be missing') ? [gapIn(note)] : []));
  const lost = [...broker.gaps.filter(({ group }) => group === GROUPS.archive), ...announced];
  const spared = new Set(lost.flatMap(placesOf));
  const places = [...eventsOf(broker.appended(TOPICS.events))].map(({ partition, offset }) => `${partition}/${offset}`);
  const rows = (store.tables.get('events') ?? []).map((row) => `${row['log_partition']}/${row['log_offset']}`);
  yield* compare('archive: event', rows, new Set(places), spared);
  const findingRows = (store.tables.get('findings') ?? []).map((row) => `${row['log_offset']}/${row['id']}`);
  const wanted = [...broker.appended(TOPICS.findings)].flatMap((record) =>
    assessmentsOf(record).flatMap((one) => one.findings.map(({ id }) => `${record.offset}/${id}`)),
  );
  yield* compare('archive: finding', findingRows, new Set(wanted));
}

/** What a warning says of a range. */
function gapIn(note: string): Gap {
  return JSON.parse(note.slice(note.indexOf('{'))) as Gap;
}

function placesOf({ partition, fromOffset, toOffset }: Gap): readonly string[] {
  return Array.from({ length: toOffset - fromOffset }, (_, i) => `${partition}/${fromOffset + i}`);
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
