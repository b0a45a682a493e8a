import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openStdinSource } from '../../src/ingest/stdin.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { holdingFormat, line, lines, namesUpTo, startCollecting, until } from './collecting.ts';

describe('openStdinSource', () => {
  it('takes the lines of a real pipe to its end', async () => {
    await using collecting = await startCollecting();
    const child = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(`${lines(0, 5000)}not json\n${line('line-005000')}`);
    const source = openStdinSource({ name: 'in', clock: systemClock, stream: child.stdout, startId: 'start-1' });
    await source.run(collecting.intake('in', holdingFormat()), new AbortController().signal);
    expect(await collecting.names()).toEqual(namesUpTo(5001));
    const [letter] = await collecting.deadLetters();
    expect(letter).toMatchObject({ id: `in/start-1/${lines(0, 5000).length}`, code: 'not-json' });
  });

  it('settles what is held back while the sender is silent', async () => {
    await using collecting = await startCollecting();
    const stream = new PassThrough();
    const stopping = new AbortController();
    const source = openStdinSource({ name: 'in', clock: systemClock, stream });
    const done = source.run(collecting.intake('in', holdingFormat()), stopping.signal);
    stream.write(lines(0, 2));
    await until(async () => (await collecting.events()).length === 2);
    stream.write(lines(2, 3));
    await until(async () => (await collecting.events()).length === 3);
    stopping.abort();
    await done;
    expect(stream.destroyed).toBe(true);
  });

  it('rejects when the stream fails', async () => {
    await using collecting = await startCollecting();
    const stream = new PassThrough();
    const source = openStdinSource({ name: 'in', clock: systemClock, stream });
    const done = source.run(collecting.intake('in', holdingFormat()), new AbortController().signal);
    stream.write(lines(0, 1));
    await sleep(10);
    stream.destroy(new Error('the disk is gone'));
    await expect(done).rejects.toThrow('the disk is gone');
  });
});
