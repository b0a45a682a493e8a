import { setTimeout as sleep } from 'node:timers/promises';
import { createFeed } from '../feed.ts';
import { closeBooks, install } from '../installation.ts';
import { startOwnKafka } from '../own-kafka.ts';
import type { Scenario } from '../scenario.ts';
import { start } from '../start.ts';

const UP_MS_MAX = 3000;
const DOWN_MS_MAX = 3000;

export default {
  id: 'broker-restart',
  title: 'the broker is killed and started again, several times under traffic',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort, random } = context;
    const kafka = await startOwnKafka(context);
    const installation = await install(context, { kafka });
    const feed = createFeed(context, isShort ? 30 : 60);
    const tokenwarden = await start(context, installation.configOf(feed.sources));
    const endFlow = feed.flow(20);
    const restarts = isShort ? 1 : 8;
    for (let i = 0; i < restarts; i++) {
      // Also before the stages have started.
      await sleep(random.below(UP_MS_MAX));
      await kafka.restart(random.below(DOWN_MS_MAX));
    }
    endFlow();
    feed.write(feed.traffic.take(100));
    const upAt = performance.now();
    const books = await closeBooks(installation, feed.traffic, tokenwarden);
    return { restarts, 'settled and checked, ms': Math.round(performance.now() - upAt), ...books };
  },
} satisfies Scenario;
