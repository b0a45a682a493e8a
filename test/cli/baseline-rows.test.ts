import { expect, it } from 'vitest';
import { changesOf, printChanges, printFacts } from '../../src/cli/baseline-rows.ts';
import type { CliIo } from '../../src/cli/io.ts';

function printed(print: (io: CliIo) => void): string {
  const parts: string[] = [];
  print({ out: (text: string) => void parts.push(text) } as CliIo);
  return parts.join('');
}

const fact = (what: string, value: string | readonly string[], detector: string | null = 'd') => ({
  detector,
  what,
  value,
});

it('what differs: words that became others, names that came and went, rows that are new or gone', () => {
  const then = [fact('events', '4', null), fact('names', ['a', 'b']), fact('order', ['x', 'y']), fact('gone', 'z')];
  const now = [fact('events', '9', null), fact('names', ['b', 'c']), fact('order', ['y', 'x']), fact('new', ['n'])];
  const changes = changesOf(then, now);
  expect(changes).toEqual([
    { detector: null, what: 'events', before: '4', now: '9' },
    { detector: 'd', what: 'names', before: ['a', 'b'], now: ['b', 'c'] },
    { detector: 'd', what: 'new', before: null, now: ['n'] },
    { detector: 'd', what: 'gone', before: 'z', now: null },
  ]);
  expect(printed((io) => printChanges(io, changes))).toBe(
    [
      'DETECTOR  WHAT    BEFORE → NOW',
      '          events  4 → 9',
      'd         names   +c, −a',
      '          new     +n',
      '          gone    z → nothing',
      '',
    ].join('\n'),
  );
  expect(changesOf(now, now)).toEqual([]);
});

it('a name is an attacker’s text: it makes no line of its own, and none without end', () => {
  const text = printed((io) => printFacts(io, [fact('names', ['a\nd  known  b\u001b[2J', 'x'.repeat(9000)])]));
  expect(text.split('\n')).toHaveLength(3);
  expect(text).toContain('a\\u{a}d  known  b\\u{1b}[2J');
  expect(text.length).toBeLessThan(300);
});
