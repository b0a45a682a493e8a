import { TokenIndex } from '../../src/baseline/token-index.ts';
import { readLedger } from '../../src/cli/ledger.ts';
import type { ActionEntry } from '../../src/decide/entries.ts';
import { alertIdOf } from '../../src/decide/group.ts';
import { type AlarmBudget, thresholdsOf } from '../../src/detect/budget.ts';
import { Engine } from '../../src/detect/engine.ts';
import { tokenOf } from '../../src/domain/aside.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { Log } from '../../src/log/log.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { LaneMarks } from '../../src/pipeline/lane-marks.ts';
import { madeTableIn } from '../../src/pipeline/made-table-record.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { createKeys } from '../../src/runtime/keys.ts';
import { BUILT_IN_FOLDER, loadDetectors } from '../../src/runtime/load-detectors.ts';

/** What stands in our logs, beside what one undisturbed engine makes of the same events. */
export interface Books {
  readonly eventIds: readonly string[];
  readonly deadLetterIds: readonly string[];
  /** Second copies, as a collector leaves them that has lost its lane: they count for nothing. */
  readonly repeatedCount: number;
  readonly tokens: readonly { readonly token: string; readonly same: boolean }[];
  /** Records in the findings log, repetitions too. */
  readonly assessmentCount: number;
  readonly assessments: ReadonlyMap<string, Assessment>;
  readonly expectedAssessments: ReadonlyMap<string, Assessment>;
  readonly alertIds: ReadonlySet<string>;
  readonly expectedAlertIds: ReadonlySet<string>;
  readonly actions: readonly ActionEntry[];
}

/** Whether all input has passed through all stages, and if not, what is waited for. */
export async function isSettled(
  log: Log,
  lineCount: number,
): Promise<{ readonly done: boolean; readonly why: string }> {
  const count = async (topic: string) => (await log.offsets(topic)).reduce((total, { end }) => total + end, 0);
  const taken = (await count(TOPICS.events)) - (await countAsides(log)) + (await count(TOPICS.deadLetters));
  if (taken < lineCount) return { done: false, why: `${taken} of ${lineCount} lines are collected` };
  for (const [group, topic] of [
    [GROUPS.detect, TOPICS.events],
    [GROUPS.respond, TOPICS.findings],
  ] as const) {
    const committed = await log.committed(group, topic);
    for (const { partition, end } of await log.offsets(topic)) {
      const offset = committed.get(partition)?.offset ?? 0;
      if (offset < end) return { done: false, why: `${group} is at ${offset} of ${end} in partition ${partition}` };
    }
  }
  const actions = [...(await readLedger(log)).actions.values()];
  const open = actions.filter(({ state }) => state === 'approved');
  // One that the token was used after is done again.
  const isUnproven = (state: string) => state === 'accepted' || state === 'ineffective';
  const unproven = actions.filter(({ action, state }) => action.kind === 'revoke' && isUnproven(state));
  return {
    done: open.length + unproven.length === 0,
    why: `${open.length} actions are open, ${unproven.length} not proven`,
  };
}

/** What stands in the events log and is no event. */
export async function countAsides(log: Log): Promise<number> {
  let count = 0;
  for (const { partition } of await log.offsets(TOPICS.events))
    for await (const batch of log.read(TOPICS.events, partition))
      count += batch.filter(({ value }) => asideIn(value!) ?? madeTableIn(value!)).length;
  return count;
}

export interface AccountOptions {
  /** That the engine's hashes are keyed with. */
  readonly fingerprintKey: string;
  readonly budget: AlarmBudget;
  /** Of detectors beside ours; they may fail as much as they like. */
  readonly detectorFolders?: readonly string[];
  /** Their options, where they are not the defaults. */
  readonly detectorOptions?: Readonly<Record<string, object>>;
  /** The comparisons are of these tokens and no others. Default: all. */
  readonly wanted?: (token: string) => boolean;
  /** The engine keeps records of these tokens; of others it knows what all have in common. Default: all. */
  readonly kept?: (token: string) => boolean;
}

/** Reads all logs and does all of detection again. */
export async function account(log: Log, options: AccountOptions): Promise<Books> {
  const { wanted = () => true, kept = () => true } = options;
  const reference = await observeAgain(log, { ...options, wanted, kept });
  const findings = await readFindings(log, wanted);
  const ledger = await readLedger(log);
  const alerts = [...ledger.alerts].filter(([, { alert }]) => wanted(alert.token));
  return {
    ...reference,
    ...findings,
    alertIds: new Set(alerts.map(([id]) => id)),
    actions: [...ledger.actions.values()],
    deadLetterIds: await readDeadLetters(log),
    expectedAlertIds: new Set([...reference.expectedAssessments.values()].map(alertIdOf)),
  };
}

type Observing = AccountOptions & Required<Pick<AccountOptions, 'wanted' | 'kept'>>;

async function observeAgain(log: Log, options: Observing) {
  const { fingerprintKey, budget, detectorFolders = [], detectorOptions = {}, wanted, kept } = options;
  const detectors = await loadDetectors([BUILT_IN_FOLDER, ...detectorFolders]);
  const ours = new Set((await loadDetectors()).map(({ id }) => id));
  const eventIds: string[] = [];
  const expectedAssessments = new Map<string, Assessment>();
  const tokens: { token: string; same: boolean }[] = [];
  let repeatedCount = 0;
  const { hashSeed } = createKeys(fingerprintKey);
  for (const { partition } of await log.offsets(TOPICS.events)) {
    const engine = new Engine({
      installed: detectors.map((detector) => {
        return { detector, config: detector.config.parse(detectorOptions[detector.id] ?? {}), weight: 1 };
      }),
      thresholds: thresholdsOf(budget),
      hashSeed,
      tokensMax: 1000,
      onFailure: (id, cause) => {
        if (ours.has(id)) throw cause;
      },
    });
    // Names tokens as the engine's own index does, and has none.
    const others = new TokenIndex(hashSeed, () => false);
    const marks = new LaneMarks();
    for await (const batch of log.read(TOPICS.events, partition)) {
      for (const record of batch) {
        const aside = asideIn(record.value!);
        if (aside) {
          if (kept(tokenOf(aside))) engine.takeAside(aside, record.offset);
          continue;
        }
        const made = madeTableIn(record.value!);
        if (made) {
          engine.fleet.takeMade(made, record.offset);
          continue;
        }
        const event = decodeStoredEvent(record.value!, '');
        if ('code' in event) throw new Error(event.reason);
        if (engine.fleet.isDayOver(event, record.offset, record.appendedAt)) engine.endFleetDay(event);
        if (marks.repeats(event)) {
          repeatedCount += 1;
          continue;
        }
        eventIds.push(event.id);
        if (!kept(event.token)) {
          others.find(event.token);
          engine.fleet.view.turnTo(others.lastHash);
          engine.fleet.take(event, record.offset, record.appendedAt);
          continue;
        }
        const assessment = engine.observe(event, record.offset, record.appendedAt);
        if (assessment && wanted(event.token)) expectedAssessments.set(assessment.id, viaJson(assessment));
      }
    }
    for (const [token, snapshot] of await readSnapshots(log, partition, wanted)) {
      tokens.push({ token, same: Buffer.compare(snapshot, engine.snapshot(token) ?? Buffer.alloc(0)) === 0 });
    }
  }
  return { eventIds, repeatedCount, expectedAssessments, tokens };
}

async function readSnapshots(
  log: Log,
  partition: number,
  wanted: Observing['wanted'],
): Promise<ReadonlyMap<string, Buffer>> {
  const snapshots = new Map<string, Buffer>();
  for await (const batch of log.read(TOPICS.baselines, partition)) {
    for (const { key, value } of batch) {
      if (key === null || key.startsWith('\u0000') || !wanted(key)) continue;
      if (value === null) snapshots.delete(key);
      else snapshots.set(key, Buffer.from(value));
    }
  }
  return snapshots;
}

async function readFindings(log: Log, wanted: Observing['wanted']) {
  const assessments = new Map<string, Assessment>();
  let assessmentCount = 0;
  for await (const batch of log.read(TOPICS.findings, 0)) {
    for (const { value } of batch) {
      const finding = decodeFindingsRecord(value!);
      if (finding.kind !== 'assessment' || !wanted(finding.assessment.token)) continue;
      assessmentCount += 1;
      assessments.set(finding.assessment.id, finding.assessment);
    }
  }
  return { assessments, assessmentCount };
}

async function readDeadLetters(log: Log): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const batch of log.read(TOPICS.deadLetters, 0)) {
    for (const { value } of batch) if (value !== null) ids.push(decodeDeadLetter(value).id);
  }
  return ids;
}

function viaJson(assessment: Assessment): Assessment {
  return JSON.parse(JSON.stringify(assessment)) as Assessment;
}
