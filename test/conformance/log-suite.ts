import type { Log, NewRecord } from '../../src/log/log.ts';

/** What an adapter gives the suite, anew for each test. What is optional is left out where an adapter has no way to do it. */
export interface OpenedLog {
  readonly log: Log;
  /** Closes the log that is open and opens the same storage, as the next process would. */
  reopen(): Promise<Log>;
  /** Ends the test: closes what is open and removes what it stored. */
  dispose(): Promise<void>;
  /** Resolves when the topic keeps none of its records so far: by retention, or by deleting them. */
  expire?(topic: string): Promise<void>;
  /** Resolves when a topic with `cleanup: 'compact'` was compacted up to its end, as far as the adapter compacts at all. */
  compact?(topic: string): Promise<void>;
  /** Deletes a topic. @returns the log to go on with. */
  deleteTopic?(topic: string): Promise<Log>;
}

export interface LogSuiteOptions {
  /** How long to wait for what must happen. */
  readonly deadlineMs: number;
  /** How long to watch that nothing happens. */
  readonly quietMs: number;
}

/** What each part of the suite works with. */
export interface LogSuite {
  /** For `expect.poll`. */
  readonly within: { readonly timeout: number; readonly interval: number };
  readonly quietMs: number;
  /** The log of the present test. */
  opened(): OpenedLog;
  /** Creates a topic with a name of its own. */
  createTopic(partitionCount: number, cleanup?: 'delete' | 'compact'): Promise<string>;
  readonly hooks: ReadonlySet<keyof OpenedLog>;
}

/** Records of one key whose values are `key:from .. key:to-1`. */
export function textRecords(key: string, from: number, to: number): NewRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({ key, value: Buffer.from(`${key}:${from + i}`) }));
}

/** The values of `textRecords`. */
export function texts(key: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `${key}:${from + i}`);
}
