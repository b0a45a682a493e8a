import { expect, it } from 'vitest';
import { createSlices } from '../../src/pipeline/slices.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const WORKERS = 4;
const SLICES = 5;

it('has a turn of the event loop between any two slices, whoever’s they are', async () => {
  const slices = createSlices(systemClock, 0);
  let turn = 0;
  let counting = setImmediate(count);
  function count(): void {
    turn += 1;
    counting = setImmediate(count);
  }
  const begunIn: number[] = [];
  const work = async () => {
    for (let i = 0; i < SLICES; i++) {
      await slices.next();
      begunIn.push(turn);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  clearImmediate(counting);
  expect(begunIn).toHaveLength(WORKERS * SLICES);
  expect(new Set(begunIn).size).toBe(WORKERS * SLICES);
});

it('goes round: nobody has a second slice while another waits for a first', async () => {
  const slices = createSlices(systemClock, 0);
  const order: number[] = [];
  const work = async (_: unknown, worker: number) => {
    for (let i = 0; i < SLICES; i++) {
      await slices.next();
      order.push(worker);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  for (let round = 0; round < SLICES; round++)
    expect(order.slice(round * WORKERS, (round + 1) * WORKERS)).toEqual([0, 1, 2, 3]);
});

it('is over once it was used up, and not before', async () => {
  let now = 0;
  const slices = createSlices({ ...systemClock, elapsed: () => now }, 5);
  expect(slices.isOver()).toBe(true);
  await slices.next();
  now = 5;
  expect(slices.isOver()).toBe(false);
  now = 6;
  expect(slices.isOver()).toBe(true);
});
