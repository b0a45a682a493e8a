import { expect, it } from 'vitest';
import type { Stage, StageName } from '../../src/pipeline/stage.ts';
import { watchStages } from '../../src/pipeline/watch-stages.ts';

function stageOf(name: StageName, failure?: Error): Stage & { readonly stopped: () => boolean } {
  const ending = Promise.withResolvers<void>();
  let stopped = false;
  if (failure) ending.reject(failure);
  return {
    name,
    done: ending.promise,
    stop: () => {
      stopped = true;
      ending.resolve();
      return ending.promise;
    },
    stopped: () => stopped,
  };
}

it('a stage that fails, and then cannot stop, leaves none of the others running', async () => {
  const failure = new Error('the source has gone');
  const stages = [stageOf('collect', failure), stageOf('detect'), stageOf('respond')];
  await expect(watchStages(stages).done).rejects.toBe(failure);
  expect(stages.map(({ stopped }) => stopped())).toEqual([true, true, true]);
});

it('stages are stopped from the source on, once', async () => {
  const order: string[] = [];
  const stages = (['collect', 'detect'] as const).map((name): Stage => {
    const ending = Promise.withResolvers<void>();
    const stop = async () => {
      order.push(name);
      ending.resolve();
    };
    return { name, done: ending.promise, stop };
  });
  const { stop, done } = watchStages(stages);
  await Promise.all([stop(), stop(), done]);
  expect(order).toEqual(['collect', 'detect']);
});
