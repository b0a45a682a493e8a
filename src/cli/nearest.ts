import type { AlertEntry } from '../decide/entries.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { type NearUse, nearestUses } from '../domain/nearest-use.ts';
import { type Use, type UsualPart, UsualTally, type UsualUses, usualPartOf } from '../domain/usual-use.ts';
import type { Log } from '../log/log.ts';
import { stepsOfLog } from '../pipeline/token-past.ts';
import { createStoreQueries } from '../store/queries.ts';
import { readUsualUses } from '../store/usual-uses.ts';
import { askArchive, isArchiveTaken } from './history-archive.ts';
import { type CliIo, UsageError } from './io.ts';
import type { Project } from './project.ts';
import { eachStep, OF_LOG, type PastSource } from './token-history.ts';

/** The event that raised an alert, and what the token did before that comes nearest to it. */
export type Nearest = NearestFound | { readonly missing: string };

export interface NearestFound extends Omit<UsualUses, 'uses'> {
  readonly from: PastSource;
  /** Of the highest score. */
  readonly event: RaisingEvent;
  /** Other alerts of the token that were left out. */
  readonly alertsLeftOut: number;
  /** The nearest first, each of another kind. */
  readonly uses: readonly NearUse[];
}

type RaisingEvent = Use & Pick<AuditEvent, 'id' | 'address'>;

export interface About {
  readonly log: Log;
  readonly project: Project;
  readonly entry: AlertEntry;
  readonly alerts: Iterable<AlertEntry>;
}

const USES_SHOWN_MAX = 3;
const EVENTS_OF_A_MOMENT_MAX = 10_000;

/**
 * Looks for them in the archive; while the watching process has it for itself, in the events log, which goes back less far. That something cannot
 * be read is told, not thrown: an alert is shown without.
 *
 * @param source where they are to be read from, and nowhere else
 */
export async function readNearest(io: CliIo, about: About, source?: PastSource): Promise<Nearest> {
  const from = source ?? ((await isArchiveTaken(about.project.config)) ? 'log' : 'clickhouse');
  try {
    return from === 'log' ? await nearestInLog(io, about) : await nearestInArchive(about);
  } catch (cause) {
    if (!(cause instanceof UsageError) || io.interrupted.aborted) throw cause;
    return { missing: cause.message };
  }
}

function nearestInArchive({ project, entry, alerts }: About): Promise<Nearest> {
  const { token, at, eventId } = entry.alert.worst;
  const part = usualPartOf(entry.alert, alerts);
  return askArchive(project.config, OF_LOG, async (store) => {
    const moment = await createStoreQueries(store).eventsOf(token, at, at + 1, EVENTS_OF_A_MOMENT_MAX);
    const event = moment.find((logged) => logged.event.id === eventId)?.event;
    if (event === undefined)
      return { missing: `the archive does not have ${eventId}, which raised it: not yet, or no more` };
    return found('clickhouse', event, part, await readUsualUses(store, part, at));
  });
}

async function nearestInLog(io: CliIo, { log, entry, alerts }: About): Promise<Nearest> {
  const { token, at, eventId } = entry.alert.worst;
  const part = usualPartOf(entry.alert, alerts);
  const tally = new UsualTally(part, at);
  let raising: RaisingEvent | undefined;
  const stepsOf = (onRead: (share: number) => void) => stepsOfLog(log, token, onRead);
  await eachStep(io, token, stepsOf, (step) => {
    if (!('event' in step)) return;
    tally.take(step.event);
    if (step.event.id === eventId) raising = raisingEvent(step.event);
  });
  if (raising === undefined) return { missing: `the events log does not have ${eventId}, which raised it, any more` };
  return found('log', raising, part, tally.usual);
}

function found(from: PastSource, event: RaisingEvent, part: UsualPart, { uses, ...rest }: UsualUses): NearestFound {
  return {
    ...{ from, event: raisingEvent(event), alertsLeftOut: part.alertsLeftOut, ...rest },
    uses: nearestUses(event, uses, USES_SHOWN_MAX),
  };
}

/** What is compared, and no more: texts of an event in the log are read as long as its bytes are there. */
function raisingEvent(event: RaisingEvent): RaisingEvent {
  const { id, at, operation, tables, rows, success, database, address, network, asn, application } = event;
  return { id, at, operation, tables, rows, success, database, address, network, asn, application };
}
