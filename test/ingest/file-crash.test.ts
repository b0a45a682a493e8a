import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../src/log/embedded.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { lines, namesUpTo, startCollecting, until } from './collecting.ts';

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

describe('openFileSource, killed', () => {
  it('has every line exactly once after kills at random moments, with rotations between', async () => {
    await using collecting = await startCollecting();
    await collecting.log.close();
    const path = join(collecting.folder, 'audit.log');
    let count = 0;
    let rotations = 0;
    let stop = false;
    await appendFile(path, lines(0, 60));
    count += 60;
    // Known before it is rotated: what lies about from earlier is not taken up.
    const first = await startChild(collecting.folder, path);
    await untilWritten(collecting.folder, 60);
    await end(first, 'SIGKILL');
    const writing = (async () => {
      while (!stop) {
        await appendFile(path, lines(count, count + 60));
        count += 60;
        if (count % 3000 === 0) {
          rotations += 1;
          await rename(path, `${path}.${rotations}`);
        }
        await sleep(5);
      }
    })();
    for (let kill = 0; kill < 15; kill++) {
      const child = await startChild(collecting.folder, path);
      await sleep(Math.random() * 500);
      await end(child, 'SIGKILL');
    }
    stop = true;
    await writing;
    await appendFile(path, lines(count, count + 1));
    const last = await startChild(collecting.folder, path);
    await untilWritten(collecting.folder, count + 1);
    await end(last, 'SIGTERM');
    await collecting.reopen();
    const names = await collecting.names();
    expect(rotations).toBeGreaterThan(1);
    expect(names).toHaveLength(count + 1);
    expect(names).toEqual(namesUpTo(count + 1));
  }, 120_000);

  async function startChild(folder: string, path: string): Promise<ChildProcess> {
    const script = join(import.meta.dirname, 'follow-child.ts');
    const child = spawn(process.execPath, [script, folder, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    await once(child.stdout!, 'data');
    return child;
  }

  /** Looks over the child's shoulder. */
  async function untilWritten(folder: string, eventCount: number): Promise<void> {
    const log = await openEmbeddedLog({ folder: join(folder, 'log'), access: 'read', clock: systemClock });
    const written = async () => (await log.offsets(TOPICS.events)).reduce((sum, { end }) => sum + end, 0);
    await until(async () => (await written()) >= eventCount, 30_000);
    await log.close();
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
});
