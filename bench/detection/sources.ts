import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { SECOND_MS } from '../../src/baseline/time.ts';
import type { AuditEvent, Operation } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { networkOf } from '../../src/enrich/network.ts';
import { factsFinder } from '../../src/enrich/statement-facts.ts';
import { readLines } from '../../src/ingest/lines.ts';
import { unpack } from '../../src/ingest/unpack.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { readXes, type XesEvent } from './xes.ts';

type Source = (...paths: readonly string[]) => Promise<readonly AuditEvent[]>;

/** How each recorded log becomes events, in order of time. What none of them has stays unknown. */
export const SOURCES: Readonly<Record<string, Source>> = {
  /**
   * BPI Challenge 2012 (van Dongen, 4TU.ResearchData, doi 10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f): a bank's staff and one
   * system account at work on loan applications. The activity stands for the table, the step for the operation, the application for the
   * session, the amount for bytes. No addresses, no failures.
   */
  bpic12: (...paths) =>
    processLog(paths, ({ event, trace }) => ({
      database: 'loans',
      operation: STEPS[event.get('lifecycle:transition') ?? ''] ?? null,
      tables: [event.get('concept:name') ?? 'unknown'],
      bytes: Number(trace.get('AMOUNT_REQ') ?? trace.get('case_AMOUNT_REQ') ?? Number.NaN) || null,
    })),
  /**
   * BPI Challenge 2013, incidents (Steeman, 4TU.ResearchData, doi 10.4121/uuid:500573e6-accc-4b0c-9576-aa5468b10cee): a car maker's support. The
   * product stands for the table, the team for the database. First names, so that some tokens are several people.
   */
  bpic13: (...paths) =>
    processLog(paths, ({ event }) => ({
      database: event.get('org:group') ?? null,
      operation: event.get('concept:name') === 'Queued' ? 'insert' : 'update',
      tables: [event.get('product') ?? 'unknown'],
    })),
  /**
   * BPI Challenge 2015 (van Dongen, 4TU.ResearchData, doi 10.4121/uuid:31a308ef-c844-48da-948c-305d167a0ec1), five files: building permits in five
   * municipalities. The phase and the step stand for the table. Many times are days only.
   */
  bpic15: (...paths) =>
    processLog(paths, ({ event }) => ({
      database: 'permits',
      operation: event.get('question') === 'True' ? 'update' : 'select',
      tables: [event.get('concept:name') ?? 'unknown'],
    })),
  /**
   * The history of a repository (git's own folder, or a clone's): an author is a token, a commit a session, a folder a table, files are rows. People
   * who work now and then, for years, some of them machines.
   */
  git: (...paths) => histories(paths),
  /** Whatever is canonical already: `tokenwarden simulate`, an archive's export. */
  canonical: async (...paths) => {
    const events: AuditEvent[] = [];
    for (const path of paths) {
      const file = createReadStream(path);
      for await (const { value, offset } of readLines(path.endsWith('.gz') ? unpack(file) : file)) {
        const event = decodeStoredEvent(value, `canonical/${offset}`);
        if (!('code' in event)) events.push(enriched(event));
      }
    }
    return inOrder(events);
  },
};

const factsOf = factsFinder((shape) => createHash('sha256').update(shape).digest('hex'));

/** With what follows from the event alone, as `collect` adds it. */
function enriched(event: AuditEvent): AuditEvent {
  const { shape, isUnbounded } = event.statement === null ? event : factsOf(event.statement, event.tables);
  return { ...event, shape, isUnbounded, network: event.address && networkOf(event.address) };
}

const STEPS: Readonly<Record<string, Operation>> = { SCHEDULE: 'insert', START: 'select', COMPLETE: 'update' };

/** What somebody did to a case is one event, and the case its session. */
async function processLog(paths: readonly string[], factsOf: (one: XesEvent) => Partial<AuditEvent>) {
  const events: AuditEvent[] = [];
  for (const path of paths) {
    for await (const one of readXes(path)) {
      const token = one.event.get('org:resource');
      const at = Date.parse(one.event.get('time:timestamp') ?? '');
      if (token === undefined || Number.isNaN(at)) continue;
      const session = one.trace.get('concept:name') ?? null;
      events.push({ ...blankEvent(`xes/${events.length}`, token, at), rows: 1, session, ...factsOf(one) });
    }
  }
  return inOrder(events);
}

const FOLDER_DEPTH = 2;

async function histories(folders: readonly string[]): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (const folder of folders) {
    const format = '--format=%x1e%H%x1f%ae%x1f%at';
    const git = spawn('git', ['-C', folder, 'log', '--no-merges', '--name-only', format, 'HEAD'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let commit: readonly string[] = [];
    let files: string[] = [];
    const take = () => events.push(...eventsOfCommit(folder, commit, files));
    for await (const line of createInterface({ input: git.stdout })) {
      if (line.startsWith('\x1e')) {
        take();
        commit = line.slice(1).split('\x1f');
        files = [];
      } else if (line !== '') files.push(line);
    }
    take();
  }
  return inOrder(events);
}

/** One for each folder that it touches. */
function eventsOfCommit(database: string, commit: readonly string[], files: readonly string[]): readonly AuditEvent[] {
  const [session = '', token = '', seconds = ''] = commit;
  const at = Number(seconds) * SECOND_MS;
  const byFolder = Map.groupBy(files, (file) => file.split('/').slice(0, -1).slice(0, FOLDER_DEPTH).join('/') || '.');
  return [...byFolder].map(([table, some], i) => ({
    ...blankEvent(`git/${session}/${i}`, token, at),
    database,
    operation: 'update',
    tables: [table],
    rows: some.length,
    session,
  }));
}

function inOrder(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.toSorted((a, b) => a.at - b.at);
}
