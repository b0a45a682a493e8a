import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFeed } from '../feed.ts';
import { closeBooks, install } from '../installation.ts';
import { startProxiedKafka } from '../own-kafka.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';

const BYTES_MAX = 300_000;
const DELAY_MS_MAX = 60;
/** Beyond the session (1 s) and its requests' time-out; a fetch or an append waits longer, and arrives late. */
const HOLD_MS_MAX = 4000;

export default {
  id: 'connections-cut',
  title: 'connections to the broker are cut in the middle of batches, delayed, and lead into nothing for seconds',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort, random } = context;
    const { brokers, proxy } = await startProxiedKafka(context);
    const installation = await install(context, { kafka: { brokers }, brokers: [`127.0.0.1:${proxy.port}`] });
    const feed = createFeed(context, isShort ? 30 : 60);
    proxy.decide(() => ({
      ...(random.below(2) === 0 && { cutAfterBytes: random.below(BYTES_MAX) }),
      ...(random.below(3) === 0 && { delayMs: random.below(DELAY_MS_MAX) }),
    }));
    const tokenwarden = await startWatching(context, installation.configOf(feed.sources), { limitMs: 60_000 });
    const endFlow = feed.flow(20);
    let holds = 0;
    for (let round = 0; round < (isShort ? 3 : 20); round++) {
      await sleep(random.below(2500));
      if (random.below(2) === 0) proxy.cut();
      else {
        holds += 1;
        await proxy.hold(random.below(HOLD_MS_MAX));
      }
    }
    endFlow();
    proxy.decide(() => ({}));
    proxy.cut();
    feed.write(feed.traffic.take(100));
    const { cut } = proxy.counts;
    assert.ok(cut > 10, `only ${cut} connections were cut`);
    const books = await closeBooks(installation, feed.traffic, tokenwarden);
    return { cuts: cut, holds, ...books };
  },
} satisfies Scenario;
