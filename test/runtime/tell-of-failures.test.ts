import { expect, it } from 'vitest';
import { BadAnswer } from '../../src/detect/answers.ts';
import { tellOfFailures } from '../../src/runtime/tell-of-failures.ts';

it('tells of each failing detector at once, then once a minute with how often, and never what its error says', () => {
  let now = 0;
  const lines: object[] = [];
  const tell = tellOfFailures({ error: (facts: object) => lines.push(facts) } as never, { elapsed: () => now });
  const cause = new TypeError('bad password hunter2\n    at hunter2 (hunter2)');
  for (let i = 0; i < 600; i++) {
    now = i * 1000;
    tell('a', cause);
    if (i % 100 === 0) tell('b', 'hunter2');
  }
  expect(lines.filter((line) => 'detector' in line && line.detector === 'a')).toHaveLength(10);
  expect(lines[0]).toMatchObject({ detector: 'a', count: 1, error: 'TypeError' });
  expect(lines[2]).toMatchObject({ detector: 'a', count: 60 });
  expect(lines[0]).toMatchObject({ where: expect.stringContaining('tell-of-failures.test.ts') });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

it('says what a detector answered wrongly, since those are our own words', () => {
  const lines: object[] = [];
  const tell = tellOfFailures({ error: (facts: object) => lines.push(facts) } as never, { elapsed: () => 0 });
  tell('a', new BadAnswer('score answered NaN'));
  expect(lines).toMatchObject([{ detector: 'a', error: 'BadAnswer', what: 'score answered NaN' }]);
});
