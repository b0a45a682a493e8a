import { Engine } from '../../src/detect/engine.ts';
import { engineOptions } from '../detect.ts';
import type { Method } from './scored-log.ts';

/** Tokenwarden, as the default configuration has it. */
export const tokenwarden: Method = {
  name: 'Tokenwarden',
  async score({ events }) {
    const engine = new Engine(await engineOptions(100_000));
    const scores = Float64Array.from(events, (event, offset) => {
      engine.observe(event, offset, event.at);
      return engine.lastScore;
    });
    return new Map([['as it is', scores]]);
  },
};
