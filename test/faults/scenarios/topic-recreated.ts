import assert from 'node:assert/strict';
import { TOPICS } from '../../../src/pipeline/topics.ts';
import { withAdmin } from '../../support/open-kafka-log.ts';
import type { TokenwardenProcess } from '../../support/tokenwarden-process.ts';
import { checkBooks, install, settle } from '../installation.ts';
import { rawTopicOf } from '../raw-topic.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { createTraffic } from '../traffic.ts';
import { until } from '../watched.ts';

const DAYS = 8;

export default {
  id: 'topic-recreated',
  title: 'the source topic, then the events topic, is deleted and made anew, under the process and between two',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const installation = await install(context);
    const raw = rawTopicOf(installation);
    const traffic = createTraffic('recreated', 30);
    await raw.make();
    for (let day = 0; day < DAYS; day++) await raw.write(traffic.takeDay());
    const config = installation.configOf([raw.source], { clickhouse: { kind: 'off' } });
    const watch = () => startWatching(context, config);
    const more = () => [...traffic.take(200), ...traffic.takeTheft(), ...traffic.takeBad()];

    // The source topic under the process: it ends, and says why; the next one reads what is new, all of it and as what it is.
    let tokenwarden = await watch();
    await settle(installation, traffic.lineCount, [tokenwarden]);
    await raw.remove();
    await raw.make();
    await raw.write(more());
    const outcomes = { 'ended, source topic': await endOf(tokenwarden, raw.name) };
    tokenwarden = await watch();
    await settle(installation, traffic.lineCount, [tokenwarden]);

    // Between two.
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    await raw.remove();
    await raw.make();
    await raw.write(more());
    tokenwarden = await watch();
    await settle(installation, traffic.lineCount, [tokenwarden]);
    const books = await checkBooks(installation, traffic);

    // The events topic, under the process.
    const events = installation.topicPrefix + TOPICS.events;
    await withAdmin(installation, (admin) => admin.deleteTopics({ topics: [events] }));
    await raw.write(more());
    Object.assign(outcomes, { 'ended, events topic': await endOf(tokenwarden, events) });
    const callCount = installation.receiver.requests.length;
    tokenwarden = await watch();
    await tokenwarden.logged('stamps start again, baselines are kept');
    await settle(installation, traffic.lineCount - books.events, [tokenwarden]);
    // A token is not stolen unnoticed from a baseline that was lost.
    await until(() => installation.receiver.requests.length > callCount, 30_000, tokenwarden);
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    return { ...outcomes, ...books };
  },
} satisfies Scenario;

/** Throws unless it ends by itself, and names the topic and what became of it. */
async function endOf(tokenwarden: TokenwardenProcess, topic: string): Promise<string> {
  assert.equal(await tokenwarden.ended(60_000), 1, tokenwarden.log());
  const why = tokenwarden.log().trimEnd().split('\n').at(-1) ?? '';
  assert.ok(why.includes(topic), `the topic is not named: ${why}`);
  return why.replaceAll(topic, '…').slice(0, 120);
}
