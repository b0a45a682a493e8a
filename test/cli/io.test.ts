import { expect, it } from 'vitest';
import { type CliIo, table } from '../../src/cli/io.ts';

it('prints a table of more rows than a call takes arguments', () => {
  const lines: string[] = [];
  const rows = Array.from({ length: 200_000 }, (_, i) => [String(i), 'x']);
  table({ out: (text: string) => void lines.push(text) } as CliIo, ['COUNT', 'WHAT'], rows);
  expect(lines).toHaveLength(rows.length + 1);
  expect([lines[0], lines[1], lines.at(-1)]).toEqual(['COUNT   WHAT\n', '0       x\n', '199999  x\n']);
});
