import { expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import { parseLines } from '../support/run-tokenwarden.ts';

it('ends the history when it is interrupted', async () => {
  const interrupting = new AbortController();
  const parts: string[] = [];
  const io: CliIo = {
    // Whatever comes from outside is heard in a turn of its own, as signals are.
    out: (text) => {
      parts.push(text);
      setImmediate(() => interrupting.abort());
    },
    err: (text) => void parts.push(text),
    isTerminal: false,
    colours: false,
    env: {},
    interrupted: interrupting.signal,
  };
  expect(await runCli(['generate', '--days', '30', '--tokens', '2'], io)).toBe(0);
  expect(parts.length).toBeLessThan(5);
  expect(parseLines(parts.join(''))[0]).toMatchObject({ token: expect.any(String) });
});
