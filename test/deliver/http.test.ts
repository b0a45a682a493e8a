import { createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import type { Resolve } from '../../src/deliver/address.ts';
import { systemResolve } from '../../src/deliver/address.ts';
import { type HttpResult, openHttp, retryAfterMs } from '../../src/deliver/http.ts';
import type { HttpTarget } from '../../src/deliver/http-options.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { selfSignedCertificate } from '../support/certificate.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';

const SECRET_PATH = 'T000-B000-s3cr3t';
const never = new AbortController().signal;
let receiver: HttpReceiver;

beforeEach(async () => {
  receiver = await startHttpReceiver();
});
afterEach(() => receiver.close());

function local(path = SECRET_PATH): string {
  return `http://127.0.0.1:${receiver.port}/${path}`;
}

async function post(
  url: string,
  options: Partial<Omit<HttpTarget, 'url'>> & { resolve?: Resolve; signal?: AbortSignal } = {},
): Promise<HttpResult> {
  const { resolve = systemResolve, signal = never, ...target } = options;
  const endpoint = openHttp(
    { timeoutMs: 2000, allowInsecure: true, allowPrivateAddresses: true, ...target, url: new Secret(url) },
    { clock: systemClock, resolve },
  );
  try {
    const result = await endpoint.post('{"a":1}', { 'x-test': 'yes' }, signal);
    expect(result.outcome.detail, 'a detail never shows the path').not.toContain(SECRET_PATH);
    return result;
  } finally {
    await endpoint.close();
  }
}

describe('what an answer means', () => {
  it.each([200, 201, 202, 204, 299])('%i is accepted', async (status) => {
    receiver.next({ status });
    const { outcome } = await post(local());
    expect(outcome).toEqual({ kind: 'accepted', detail: `http://127.0.0.1:${receiver.port}/… answered ${status}` });
    expect(receiver.requests).toMatchObject([
      { method: 'POST', path: `/${SECRET_PATH}`, body: '{"a":1}', headers: { 'x-test': 'yes' } },
    ]);
  });

  it.each([408, 425, 429, 500, 502, 503, 504, 599])('%i is tried again', async (status) => {
    receiver.next({ status });
    expect((await post(local())).outcome.kind).toBe('retry');
    expect(receiver.requests).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 410, 413, 422, 451])('%i is final', async (status) => {
    receiver.next({ status, body: 'because' });
    expect(await post(local())).toMatchObject({ outcome: { kind: 'refused' }, status, body: 'because' });
  });

  it.each([301, 302, 303, 307, 308, 300, 304])('%i is final and not followed', async (status) => {
    receiver.next({ status, headers: { location: `http://127.0.0.1:${receiver.port}/elsewhere` } });
    expect((await post(local())).outcome.kind).toBe('refused');
    expect(receiver.requests).toHaveLength(1);
  });

  it('a redirect to the metadata address goes nowhere', async () => {
    receiver.next({ status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data/' } });
    const { outcome } = await post(local());
    expect(outcome.kind).toBe('refused');
    expect(outcome.detail).not.toContain('169.254');
  });
});

describe('Retry-After', () => {
  it('is handed on', async () => {
    receiver.next({ status: 429, headers: { 'retry-after': '7' } });
    expect((await post(local())).outcome).toMatchObject({ kind: 'retry', afterMs: 7000 });
    receiver.next({ status: 503 });
    expect((await post(local())).outcome).not.toHaveProperty('afterMs');
  });

  it('is read as seconds or as a date, capped, and otherwise ignored', () => {
    const now = Date.UTC(2026, 8, 7, 9, 0, 0);
    expect(retryAfterMs('0', now)).toBe(0);
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('99999', now)).toBe(300_000);
    expect(retryAfterMs('Mon, 07 Sep 2026 09:01:30 GMT', now)).toBe(90_000);
    expect(retryAfterMs('Mon, 07 Sep 2026 08:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('Mon, 07 Sep 2099 08:00:00 GMT', now)).toBe(300_000);
    for (const odd of ['', '-5', '1.5', 'soon', '999999999999999', undefined, [] as string[]]) {
      expect(retryAfterMs(odd, now), String(odd)).toBeUndefined();
    }
  });
});

describe('bodies', () => {
  it('reads 64 KiB of an endless one and hangs up', async () => {
    receiver.next({ endless: true });
    const result = await post(local());
    expect(result.outcome.kind).toBe('accepted');
    expect(result.body).toHaveLength(64 * 1024);
    const sent = receiver.sentByteCount();
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(receiver.sentByteCount()).toBe(sent);
  });

  it('takes the status for the answer when the body drips on', async () => {
    receiver.next({ drip: true, status: 503, headers: { 'retry-after': '3' } });
    const startedAt = performance.now();
    expect((await post(local(), { timeoutMs: 300 })).outcome).toMatchObject({ kind: 'retry', afterMs: 3000 });
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });
});

describe('a failing network', () => {
  it('times out when nobody answers', async () => {
    receiver.next({ hang: true });
    const startedAt = performance.now();
    const { outcome } = await post(local(), { timeoutMs: 200 });
    expect(outcome).toMatchObject({ kind: 'retry', detail: expect.stringContaining('no answer within 200 ms') });
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  it('times out when a name is never resolved', async () => {
    const { outcome } = await post(`http://slow.example/${SECRET_PATH}`, {
      timeoutMs: 200,
      resolve: () => new Promise(() => undefined),
    });
    expect(outcome.detail).toContain('no answer within 200 ms');
  });

  it('stops at once when told to', async () => {
    receiver.next({ hang: true });
    const startedAt = performance.now();
    const { outcome } = await post(local(), { signal: AbortSignal.timeout(50) });
    expect(outcome).toMatchObject({ kind: 'retry', detail: expect.stringContaining('stopped') });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it('tries again after a reset, a refused connection, an unknown name, a garbled answer', async () => {
    receiver.next({ reset: true });
    expect((await post(local())).outcome).toMatchObject({ kind: 'retry' });

    const { port } = receiver;
    await receiver.close();
    expect((await post(`http://127.0.0.1:${port}/${SECRET_PATH}`)).outcome).toMatchObject({
      kind: 'retry',
      detail: expect.stringContaining('nobody listens there (ECONNREFUSED)'),
    });

    const resolve = () => Promise.reject(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }));
    expect((await post('http://gone.example/', { resolve })).outcome).toMatchObject({
      kind: 'retry',
      detail: 'http://gone.example/…: the host name does not exist (ENOTFOUND)',
    });

    const garbler = createServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    await new Promise<void>((done) => garbler.listen(0, '127.0.0.1', done));
    const address = garbler.address() as { port: number };
    expect((await post(`http://127.0.0.1:${address.port}/${SECRET_PATH}`)).outcome.kind).toBe('retry');
    garbler.close();
  });
});

describe('where it does not go', () => {
  it.each([
    'http://0x7f.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://169.254.169.254/latest/',
    'http://10.0.0.5/',
    'http://localhost/',
  ])('%s', async (url) => {
    const result = await post(url, { allowPrivateAddresses: false });
    expect(result).toMatchObject({ outcome: { kind: 'refused' }, status: null });
  });

  it('not to the metadata address even when private ones are allowed', async () => {
    expect((await post('http://169.254.169.254/latest/')).outcome.kind).toBe('refused');
    const resolve: Resolve = async () => [{ address: '169.254.169.254', family: 4 }];
    expect((await post('http://metadata.example/', { resolve })).outcome.kind).toBe('refused');
  });

  it('not over plain http unless that is allowed', async () => {
    expect((await post(local(), { allowInsecure: false })).outcome).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('allowInsecure'),
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it('not with a password in the URL, nor to what is no URL', async () => {
    for (const url of ['https://user:pass@hooks.example/', 'ftp://hooks.example/', 'hooks.example', '']) {
      const { outcome } = await post(url);
      expect(outcome.kind).toBe('refused');
      expect(outcome.detail).not.toContain('pass@');
    }
  });

  it('DNS rebinding: connects to what was checked, and checks again next time', async () => {
    // 3ffe::/16 has been handed back: it looks public and leads nowhere.
    const answers = [[{ address: '3ffe::1', family: 6 }], [{ address: '127.0.0.1', family: 4 }]];
    let lookupCount = 0;
    const resolve: Resolve = async () => answers[Math.min(lookupCount++, 1)]!;
    const url = `http://rebind.example:${receiver.port}/${SECRET_PATH}`;
    const options = { resolve, allowPrivateAddresses: false, timeoutMs: 300 };

    expect((await post(url, options)).outcome.kind).toBe('retry');
    expect(lookupCount, 'one look-up for one connection').toBe(1);
    expect((await post(url, options)).outcome).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('rebind.example resolves to 127.0.0.1'),
    });
    expect(receiver.requests).toHaveLength(0);
  });

  it('a checked name is connected to, with its own name in Host', async () => {
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    expect((await post(`http://inside.example:${receiver.port}/`, { resolve })).outcome.kind).toBe('accepted');
    expect(receiver.requests[0]?.headers.host).toBe(`inside.example:${receiver.port}`);
  });
});

describe('TLS', () => {
  const tls = selfSignedCertificate('hooks.test');
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];

  it('does not talk to a server whose certificate is not trusted, or not for this host', async () => {
    await using server = await startHttpReceiver(tls);
    const before = getCACertificates('default');
    const url = `https://hooks.test:${server.port}/${SECRET_PATH}`;
    try {
      expect((await post(url, { resolve, allowInsecure: false })).outcome).toMatchObject({
        kind: 'retry',
        detail: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
      });
      expect(server.requests).toHaveLength(0);

      setDefaultCACertificates([...before, tls.cert]);
      expect((await post(url, { resolve, allowInsecure: false })).outcome.kind).toBe('accepted');
      expect(server.requests).toHaveLength(1);

      const other = await post(url.replace('hooks.test', 'other.test'), { resolve });
      expect(other.outcome).toMatchObject({ kind: 'retry', detail: expect.stringContaining('for another host') });
      expect(server.requests).toHaveLength(1);
    } finally {
      setDefaultCACertificates(before);
    }
  });
});
