import assert from 'node:assert/strict';
import { selfSignedCertificate } from '../../support/certificate.ts';
import { freePort } from '../../support/guarded-process.ts';
import { startHttpReceiver } from '../../support/http-receiver.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { HOOK, median, response, until, watchFleet } from '../watched.ts';

const TIMEOUT_MS = 5000;
/** Whoever waits for one time-out of another is later by more than this; a busy machine is not. */
const NOTICED_MS = 2000;

export default {
  id: 'bad-receivers',
  title: 'ten receivers fail in ten ways; a good one and the gateway are not to notice',
  on: ['embedded'],
  isShort: true,
  async run(context) {
    const { defer, isShort } = context;
    const watched = await watchFleet(context);
    const open = async (...args: Parameters<typeof startHttpReceiver>) => {
      const receiver = await startHttpReceiver(...args);
      defer(receiver.close);
      return receiver;
    };
    const good = await open();
    const elsewhere = await open();
    const limited = await open();
    const lost = await open();
    const [failing, hanging, endless] = [await open(), await open(), await open()];
    const [dripping, refusing, redirecting] = [await open(), await open(), await open()];
    const tls = await open(selfSignedCertificate('localhost'));
    limited.next(...Array.from({ length: 2 }, () => ({ status: 429, headers: { 'Retry-After': '2' } })));
    // Takes everything, and the first answer to each never arrives. (What a newer notification of the same alert replaces is not repeated.)
    const idsHeard = new Set<string>();
    lost.always(({ headers }) => {
      const id = String(headers['webhook-id']);
      const isFirst = !idsHeard.has(id);
      idsHeard.add(id);
      return { reset: isFirst };
    });
    failing.always({ status: 503 });
    hanging.always({ hang: true });
    endless.always({ endless: true });
    dripping.always({ drip: true });
    refusing.always({ status: 400 });
    redirecting.always({ status: 302, headers: { Location: elsewhere.url } });
    const hook = (url: string) => ({ ...HOOK, url, timeoutMs: TIMEOUT_MS });
    const named = { limited, lost, failing, hanging, endless, dripping, refusing, redirecting, tls };
    const receivers = Object.fromEntries(Object.entries(named).map(([name, { url }]) => [name, hook(url)]));
    const bad = { ...receivers, away: hook(`http://127.0.0.1:${await freePort()}/hook`) };

    const run = async (others: Readonly<Record<string, object>>, thefts: number) => {
      const config = {
        ...watched.config,
        clickhouse: { kind: 'off' },
        response: response(watched.gateway, { good: hook(good.url), ...others }),
      };
      const tokenwarden = await startWatching(context, config);
      // The history is behind it then.
      await watched.steal(tokenwarden);
      const [revokedMs, toldMs]: [number[], number[]] = [[], []];
      for (let i = 0; i < thefts; i++) {
        const before = good.requests.length;
        const startedAt = performance.now();
        revokedMs.push(await watched.steal(tokenwarden));
        await until(() => good.requests.length > before, 30_000, tokenwarden);
        toldMs.push(performance.now() - startedAt);
      }
      return { tokenwarden, revokedMs, toldMs };
    };
    const alone = await run({}, isShort ? 3 : 5);
    assert.equal(await alone.tokenwarden.stop(), 0, alone.tokenwarden.log());
    const amid = await run(bad, isShort ? 3 : 5);

    // What can get through does, under the id of the first attempt and with the same body.
    const idsOf = ({ requests }: typeof good) => requests.map(({ headers }) => String(headers['webhook-id']));
    await until(() => new Set(idsOf(limited)).size >= 2 && idsOf(limited).length >= 4, 30_000, amid.tokenwarden);
    await until(() => idsOf(lost).length > new Set(idsOf(lost)).size, 30_000, amid.tokenwarden);
    const bodies = new Map<string, string>();
    for (const { headers, body } of [...lost.requests, ...limited.requests]) {
      const id = String(headers['webhook-id']);
      assert.equal(bodies.get(id) ?? body, body, `another body under ${id}`);
      bodies.set(id, body);
    }
    const [, second] = limited.requests;
    assert.ok(second && second.at - limited.requests[0]!.at > 1900, 'asked again before Retry-After');
    assert.equal(elsewhere.requests.length, 0, 'a redirect was followed');
    assert.equal(tls.requests.length, 0, 'a certificate that nobody signed was believed');
    assert.equal(new Set(idsOf(refusing)).size, idsOf(refusing).length, 'what was refused was sent again');
    assert.ok(endless.sentByteCount() < 64 << 20, `${endless.sentByteCount()} bytes of endless bodies were taken`);
    const stoppingAt = performance.now();
    assert.equal(await amid.tokenwarden.stop(), 0, amid.tokenwarden.log());
    const stoppedMs = Math.round(performance.now() - stoppingAt);
    const limits = { revokedMs: median(alone.revokedMs) + NOTICED_MS, toldMs: median(alone.toldMs) + NOTICED_MS };
    assert.ok(median(amid.revokedMs) < limits.revokedMs, `${alone.revokedMs}; amid ${amid.revokedMs}`);
    assert.ok(median(amid.toldMs) < limits.toldMs, `${alone.toldMs}; amid ${amid.toldMs}`);
    return {
      'bad receivers': Object.keys(bad).length,
      'told alone, ms': median(alone.toldMs),
      'told amid them, ms': median(amid.toldMs),
      'revoked alone, ms': median(alone.revokedMs),
      'revoked amid them, ms': median(amid.revokedMs),
      'stopped, ms': stoppedMs,
    };
  },
} satisfies Scenario;
