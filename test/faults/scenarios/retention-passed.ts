import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOPICS } from '../../../src/pipeline/topics.ts';
import { freePort } from '../../support/guarded-process.ts';
import { metricOf } from '../../support/metrics.ts';
import type { TokenwardenProcess } from '../../support/tokenwarden-process.ts';
import { countArchive, type Installation, install, settle, settleArchive } from '../installation.ts';
import { expireTopic, rawTopicOf } from '../raw-topic.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { createTraffic } from '../traffic.ts';
import { until } from '../watched.ts';

export default {
  id: 'retention-passed',
  title: 'retention overtakes a process that is stopped or frozen: at the source topic, and at the events topic',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const installation = await install(context);
    const raw = rawTopicOf(installation);
    const traffic = createTraffic('retention', 30);
    await raw.make();
    for (let day = 0; day < 3; day++) await raw.write(traffic.takeDay());
    const port = await freePort();
    const config = installation.configOf([raw.source], { operations: { port } });
    const watch = (args: readonly string[] = []) => startWatching(context, config, { args });
    const settleWithout = async (lost: number, tokenwarden: TokenwardenProcess) => {
      await settle(installation, traffic.lineCount - lost, [tokenwarden]);
      await settleArchive(installation);
    };
    let tokenwarden = await watch();
    await settleWithout(0, tokenwarden);

    // The source topic, between two processes: all that was written meanwhile is gone, and some came after it.
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const [gone, ...others] = [traffic.take(300), traffic.take(200), traffic.takeBad()];
    await raw.write(gone ?? []);
    await raw.expire();
    await raw.write(others.flat());
    tokenwarden = await watch();
    await settleWithout(300, tokenwarden);
    await tokenwarden.logged('records were deleted before they were read');
    const toldTo = (group: string) => metricOf(port, 'tokenwarden_deleted_unread_total', { group });
    assert.equal(await toldTo(`${raw.name}-readers`), 300);

    // While it is frozen: what was on its way to it already is not lost.
    tokenwarden.signal('SIGSTOP');
    await raw.write(traffic.take(300));
    await sleep(500);
    await raw.write(traffic.take(300));
    await raw.expire();
    await raw.write(traffic.take(200));
    await sleep(3000);
    tokenwarden.signal('SIGCONT');
    await until(async () => (await toldTo(`${raw.name}-readers`)) > 300, 30_000, tokenwarden);
    const lost = await toldTo(`${raw.name}-readers`);
    await settleWithout(lost, tokenwarden);
    assert.equal(await takenIn(installation), traffic.lineCount - lost, 'taken and told lost are not all');
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());

    // The events topic, before detect and archive have read it.
    const collecting = await watch(['--stages', 'collect']);
    await raw.write(traffic.take(400));
    await until(async () => (await takenIn(installation)) === traffic.lineCount - lost, 30_000, collecting);
    assert.equal(await collecting.stop(), 0, collecting.log());
    await expireTopic(installation, installation.topicPrefix + TOPICS.events);
    await raw.write(traffic.take(200));
    tokenwarden = await watch();
    await settleWithout(lost, tokenwarden);
    for (const text of [
      'events were deleted before they were read: baselines have a gap',
      'records were deleted before they were archived',
    ])
      await tokenwarden.logged(text);
    assert.deepEqual([await toldTo('detect'), await toldTo('archive')], [400, 400]);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    assert.equal(ready.status, 200, await ready.text());
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const archive = await countArchive(installation);
    const events = await endOf(installation, TOPICS.events);
    assert.equal(archive['events'], events - 400, 'archived and told lost are not all');
    return {
      lines: traffic.lineCount,
      'told lost at the source': lost,
      events,
      'told lost to detect and archive': 400,
    };
  },
} satisfies Scenario;

async function takenIn(installation: Installation): Promise<number> {
  return (await endOf(installation, TOPICS.events)) + (await endOf(installation, TOPICS.deadLetters));
}

async function endOf({ open }: Installation, topic: string): Promise<number> {
  const log = await open();
  const offsets = await log.offsets(topic).finally(() => log.close());
  return offsets.reduce((sum, { end }) => sum + end, 0);
}
