import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildOnce } from '../test/support/maven.ts';

const PROJECT = join(import.meta.dirname, 'peer');
const SOURCES = ['Peer', 'Event', 'Json', 'Baseline', 'PackedBaseline'].map((name) =>
  join(PROJECT, 'src/main/java/peer', `${name}.java`),
);
const HEAP = '1g';

/** How it keeps baselines: as JSON by Jackson, each change leaving at once; or packed by hand, with a cache that holds changes back. */
export type PeerKind = 'plain' | 'tuned';

/** A Kafka Streams program that keeps four features of every token, in a JVM that stays warm. */
export interface Peer {
  /** Reads a topic from its beginning, in a new application. @returns events a second */
  read(kind: PeerKind, topic: string, eventCount: number): Promise<number>;
  stop(): Promise<void>;
}

/** Builds the peer if need be, and starts it. */
export async function startPeer(brokers: readonly string[]): Promise<Peer> {
  const built = await buildOnce({
    name: 'peer',
    pom: join(PROJECT, 'pom.xml'),
    sources: SOURCES,
    goals: (folder) => [
      'compile',
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DbuildDirectory=${folder}`,
    ],
  });
  if ('missing' in built) throw new Error(`the Kafka Streams peer needs ${built.missing}`);
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-peer-'));
  const classPath = [join(built.folder, 'classes'), join(built.folder, 'dependency', '*')].join(delimiter);

  const java = spawn('java', [`-Xmx${HEAP}`, '-cp', classPath, 'peer.Peer', brokers.join(','), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: java.stdout })[Symbol.asyncIterator]();
  return {
    async read(kind, topic, eventCount) {
      java.stdin.write(`${kind} ${topic} ${eventCount}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`the Kafka Streams peer ended with ${java.exitCode}`);
      return (eventCount / Number(value)) * 1000;
    },
    async stop() {
      await end(java);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** It ends when there is nothing more to read. */
async function end(java: ChildProcess): Promise<void> {
  if (java.exitCode !== null || java.signalCode !== null) return;
  const exit = once(java, 'exit');
  java.stdin?.end();
  await exit;
}
