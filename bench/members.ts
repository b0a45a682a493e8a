import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { until } from './installation.ts';

/** Members of the detect group, one a core, as an installation with a process a core has them; in threads, that stay warm. */
export interface Members {
  /** Has them join for a topic that is empty yet. Resolves when each has its share of the partitions. */
  join(prefix: string, partitionCount: number): Promise<void>;
  /** Lets them loose on what is in the topic by now, and has them leave. @returns events a second */
  read(eventCount: number): Promise<number>;
  stop(): Promise<void>;
}

export interface MemberOptions {
  readonly brokers: readonly string[];
  /** What the member says of itself: partitions that it owns, events that it has decided. */
  readonly shown: Int32Array<SharedArrayBuffer>;
}

export type MemberOrder =
  | { readonly kind: 'join'; readonly prefix: string }
  | { readonly kind: 'go' }
  | { readonly kind: 'leave' };

const FILE = join(import.meta.dirname, 'children', 'member.ts');
const LIMIT_MS = 60_000;
const LOOK_MS = 1;

export function startMembers(brokers: readonly string[], count: number): Members {
  const members = Array.from({ length: count }, () => {
    const shown = new Int32Array(new SharedArrayBuffer(8));
    return { shown, worker: new Worker(FILE, { workerData: { brokers, shown } satisfies MemberOptions }) };
  });
  const order = (what: MemberOrder) => {
    for (const { worker } of members) worker.postMessage(what);
  };
  const each = (field: 0 | 1) => members.map(({ shown }) => Atomics.load(shown, field));
  const sum = (field: 0 | 1) => each(field).reduce((total, one) => total + one, 0);
  return {
    join: async (prefix, partitionCount) => {
      order({ kind: 'join', prefix });
      const share = Math.floor(partitionCount / count);
      const isShared = () => each(0).every((owned) => owned >= share) && sum(0) === partitionCount;
      await until('every member has its share', isShared, LIMIT_MS);
    },
    read: async (eventCount) => {
      order({ kind: 'go' });
      const startedAt = performance.now();
      await until('all is decided', () => sum(1) >= eventCount, LIMIT_MS, LOOK_MS);
      const elapsedMs = performance.now() - startedAt;
      const left = members.map(({ worker }) => once(worker, 'message'));
      order({ kind: 'leave' });
      await Promise.all(left);
      return (eventCount / elapsedMs) * 1000;
    },
    stop: async () => {
      await Promise.all(members.map(({ worker }) => worker.terminate()));
    },
  };
}
