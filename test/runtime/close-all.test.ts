import { expect, it } from 'vitest';
import { closeAll } from '../../src/runtime/close-all.ts';

it('closes all there is, the last first, and then tells what failed first', async () => {
  const closed: string[] = [];
  const steps = ['log', 'store', 'receivers', 'endpoint'].map((name) => async () => {
    closed.push(name);
    if (name === 'store' || name === 'receivers') throw new Error(`the ${name} failed`);
  });
  await expect(closeAll(steps)).rejects.toThrow('the receivers failed');
  expect(closed).toEqual(['endpoint', 'receivers', 'store', 'log']);
});

it('tells nothing when nothing fails', async () => {
  await expect(closeAll([async () => undefined])).resolves.toBeUndefined();
});
