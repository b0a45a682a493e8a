import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import { engineOptions } from '../detect.ts';
import type { Method } from './scored-log.ts';

/** Tokenwarden, as the default configuration has it. */
export const tokenwarden: Method = scoredBy('Tokenwarden', (options) => options);

/** The same with each detector left out in its turn: what it is worth. */
export async function ablations(): Promise<readonly Method[]> {
  const { installed } = await engineOptions(1);
  return installed.map(({ detector: { id } }) =>
    scoredBy(`without ${id}`, (options) => ({
      ...options,
      installed: options.installed.filter(({ detector }) => detector.id !== id),
    })),
  );
}

function scoredBy(name: string, change: (options: EngineOptions) => EngineOptions): Method {
  return {
    name,
    async score({ events }) {
      const engine = new Engine(change(await engineOptions(100_000)));
      const scores = Float64Array.from(events, (event, offset) => {
        engine.observe(event, offset, event.at);
        return engine.lastScore;
      });
      return new Map([['as it is', scores]]);
    },
  };
}
