import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActionEntry } from '../../src/decide/entries.ts';
import { systemResolve } from '../../src/deliver/address.ts';
import webhook from '../../src/deliver/revokers/webhook.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import type { Dispatcher } from '../../src/pipeline/dispatcher.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createDispatcher } from '../../src/runtime/dispatch.ts';
import { createStreamWatch } from '../../src/runtime/stream-watch.ts';
import { sampleOrder } from '../deliver/sample.ts';
import { newFolder, open } from '../log/embedded-folder.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';

const QUIET_MS = 400;

let folder: Awaited<ReturnType<typeof newFolder>>;
let log: EmbeddedLog;
let issuer: HttpReceiver;
let dispatcher: Dispatcher;
let told: string[];

beforeEach(async () => {
  folder = await newFolder();
  log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  issuer = await startHttpReceiver();
  told = [];
  dispatcher = dispatcherWith(revoker());
});

afterEach(async () => {
  await dispatcher.stop();
  await issuer.close();
  await log.close();
  await folder.remove();
});

function dispatcherWith(open: ReturnType<typeof revoker>): Dispatcher {
  return createDispatcher({
    receivers: new Map(),
    revokers: new Map([['gateway', { open, pace: webhook.pace }]]),
    clock: systemClock,
    random: Math.random,
    watch: createStreamWatch(log, systemClock, 1, QUIET_MS),
    onFault: (cause) => told.push(String(cause)),
  });
}

/** Unless it is given a `verifyUrl`, the event stream has to prove what it does. */
function revoker(options: { readonly verifyUrl?: string; readonly propagationMs?: number } = {}) {
  const secrets = [`whsec_${Buffer.alloc(32, 1).toString('base64')}`];
  const at = { url: issuer.url, secrets, reversible: true, propagationMs: 0, ...options };
  const config = webhook.config.parse({ ...at, allowInsecure: true, allowPrivateAddresses: true });
  return webhook.open(config, { clock: systemClock, resolve: systemResolve, write: () => undefined });
}

function submit(
  kind: 'revoke' | 'undo',
  state: ActionEntry['state'] = 'approved',
  id: string = kind,
  about = {},
): void {
  const now = Date.now();
  const facts = { id, kind, target: 'gateway', decidedAt: now, expiresAt: now + 60_000, ...about };
  const { action, alert } = sampleOrder(facts);
  const entry = { action, alert, revocation: null, state, detail: '', attemptCount: 0, changedAt: now };
  dispatcher.submit(entry, async (progress) => void told.push(`${progress.actionId} ${progress.state}`));
}

async function use(): Promise<void> {
  await sleep(5);
  const token = sampleOrder().action.token;
  const event = { ...blankEvent(`use/${Date.now()}`, token, Date.now()), success: true };
  await log.append(TOPICS.events, [{ key: token, value: Buffer.from(encodeStoredEvent(event, null)) }]);
}

const asked = () => issuer.requests.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const until = (what: string) => vi.waitFor(() => expect(told).toContain(what), { timeout: 10_000 });

it('revokes again what is used after it was revoked, until it is quiet', async () => {
  submit('revoke');
  await until('revoke accepted');
  await use();
  await until('revoke verified');
  expect(told).toEqual(['revoke accepted', 'revoke ineffective', 'revoke accepted', 'revoke verified']);
  expect(asked()).toEqual(['revoke', 'revoke']);
});

describe('an issuer that can be asked', () => {
  const active = (isActive: boolean) => issuer.next({ body: JSON.stringify({ active: isActive }) });

  it('is asked again while it may still honour the token, and is not asked to revoke it again', async () => {
    dispatcher = dispatcherWith(revoker({ verifyUrl: issuer.url, propagationMs: 2000 }));
    issuer.next({ status: 204 });
    for (const isActive of [true, true, false]) active(isActive);
    submit('revoke');
    await until('revoke verified');
    expect(told).toEqual(['revoke accepted', 'revoke verified']);
    expect(asked()).toEqual(['revoke', 'verify', 'verify', 'verify']);
  });

  it('has not revoked what is active after that', async () => {
    dispatcher = dispatcherWith(revoker({ verifyUrl: issuer.url, propagationMs: 300 }));
    issuer.next({ status: 204 });
    for (const isActive of [true, true]) active(isActive);
    submit('revoke');
    await until('revoke ineffective');
    expect(told).toEqual(['revoke accepted', 'revoke ineffective']);
    expect(asked()).toEqual(['revoke', 'verify', 'verify']);
  });
});

it('takes up what a former process left ineffective', async () => {
  submit('revoke', 'ineffective');
  await until('revoke verified');
  expect(asked()).toEqual(['revoke']);
});

it.each([
  ['for the same alert', {}],
  ['for another alert of the token', { alertId: 'alr_another' }],
])('does not revoke again what somebody has undone meanwhile, however much it is used: %s', async (_, about) => {
  submit('revoke', 'approved', 'revoke', about);
  await until('revoke accepted');
  submit('undo');
  await until('undo accepted');
  await use();
  await sleep(3 * QUIET_MS);
  expect(told).toEqual(['revoke accepted', 'undo accepted']);
  expect(asked()).toEqual(['revoke', 'undo']);
});

it('does not do again what was revoked twice for one alert and given back', async () => {
  submit('revoke');
  await until('revoke accepted');
  await use();
  await until('revoke ineffective');
  submit('revoke', 'approved', 'once more');
  await until('once more accepted');
  submit('undo');
  await until('undo accepted');
  await sleep(1500);
  expect(told).toEqual(['revoke accepted', 'revoke ineffective', 'once more accepted', 'undo accepted']);
  expect(asked()).toEqual(['revoke', 'revoke', 'undo']);
});

it('begins what is asked for once more when what is in hand has ended', async () => {
  issuer.next({ delayMs: 300 });
  submit('revoke');
  await vi.waitFor(() => expect(asked()).toEqual(['revoke']));
  submit('revoke', 'approved', 'once more');
  await until('once more verified');
  expect(told).toEqual(['revoke accepted', 'once more accepted', 'once more verified']);
});

it('lets an attempt in hand end before it undoes it', async () => {
  issuer.next({ delayMs: 300 });
  submit('revoke');
  await vi.waitFor(() => expect(asked()).toEqual(['revoke']));
  submit('undo');
  await until('undo accepted');
  expect(told).toEqual(['revoke accepted', 'undo accepted']);
});

it('tries a revocation that is withdrawn no more', async () => {
  for (let i = 0; i < 5; i++) issuer.next({ status: 503 });
  submit('revoke');
  await vi.waitFor(() => expect(asked().length).toBeGreaterThan(0), { timeout: 10_000 });
  dispatcher.withdraw(sampleOrder().action.alertId);
  await sleep(50);
  const before = asked().length;
  await sleep(1500);
  expect(asked().length).toBe(before);
  expect(told).toEqual([]);
});

it('follows up an attempt in hand that is withdrawn and accepted all the same', async () => {
  issuer.next({ delayMs: 300 });
  submit('revoke');
  await vi.waitFor(() => expect(asked()).toEqual(['revoke']));
  dispatcher.withdraw(sampleOrder().action.alertId);
  await until('revoke verified');
  expect(told).toEqual(['revoke accepted', 'revoke verified']);
});

it('goes on with a revocation whose undo is refused', async () => {
  submit('revoke');
  await until('revoke accepted');
  issuer.next({ status: 400 });
  submit('undo');
  await until('revoke verified');
  expect(told).toEqual(['revoke accepted', 'undo refused', 'revoke verified']);
});
