import type { Readable } from 'node:stream';
import { Agent, errors, request } from 'undici';
import type { DeliveryOutcome } from '../domain/action.ts';
import type { Clock } from '../domain/clock.ts';
import { AddressRefusedError, guardedLookup, type Resolve } from './address.ts';
import { type HttpTarget, shownUrl, targetFault } from './http-options.ts';

const BODY_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 4;
/** Nobody may put us off for longer: a wrong `Retry-After` must not make an alert expire. */
const RETRY_AFTER_MAX_MS = 5 * 60_000;
/** Refused for now; the same request may go through later (RFC 9110, 8470, 6585). */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** How one call went. */
export interface HttpResult {
  readonly outcome: DeliveryOutcome;
  /** `null`: no answer. */
  readonly status: number | null;
  /** The first 64 KiB of the answer, as far as they came. The other side's text. */
  readonly body: string;
}

/** One URL that calls are made to. */
export interface HttpEndpoint {
  /** One POST of a JSON text. Never throws for what the other side does. */
  post(body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpResult>;
  close(): Promise<void>;
}

/**
 * Opens the one way out to HTTP. https unless the target says otherwise; every address checked and pinned (`address.ts`); no redirects; a
 * time-out over the whole attempt; no proxy from the environment. The URL's path never appears in a detail.
 */
export function openHttp(
  target: HttpTarget,
  ports: { readonly clock: Clock; readonly resolve: Resolve },
): HttpEndpoint {
  const url = target.url.reveal();
  const fault = targetFault(url, target);
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    allowH2: false,
    connect: {
      lookup: guardedLookup(ports.resolve, target.allowPrivateAddresses),
      timeout: target.timeoutMs,
    },
  });
  return {
    async post(body, headers, signal) {
      if (fault) return failed({ kind: 'refused', detail: fault });
      const limit = AbortSignal.any([signal, AbortSignal.timeout(target.timeoutMs)]);
      try {
        const response = await request(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'tokenwarden', ...headers },
          body,
          dispatcher: agent,
          signal: limit,
        });
        const status = response.statusCode;
        const outcome = outcomeOf(status, response.headers['retry-after'], shownUrl(url), ports.clock.now());
        return { outcome, status, body: await readStart(response.body) };
      } catch (error) {
        // undici's own word for a call that was wrong to make: ours, and not the world's.
        if (error instanceof errors.InvalidArgumentError) throw error;
        return failed(failureOf(error, shownUrl(url), { signal, timeoutMs: target.timeoutMs }));
      }
    },
    close: () => agent.destroy(),
  };
}

function failed(outcome: DeliveryOutcome): HttpResult {
  return { outcome, status: null, body: '' };
}

function outcomeOf(
  status: number,
  retryAfter: string | string[] | undefined,
  shown: string,
  now: number,
): DeliveryOutcome {
  const detail = `${shown} answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'accepted', detail };
  if (status >= 300 && status < 400) {
    return { kind: 'refused', detail: `${detail}: redirects are not followed, configure the final URL` };
  }
  if (status < 500 && !TRANSIENT_STATUSES.has(status)) return { kind: 'refused', detail };
  const afterMs = retryAfterMs(retryAfter, now);
  return afterMs === undefined ? { kind: 'retry', detail } : { kind: 'retry', detail, afterMs };
}

/** `Retry-After` as seconds or as an HTTP date, capped; `undefined` without one that can be read. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  const waitMs = /^\d{1,10}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z]/i.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MAX_MS);
}

async function readStart(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  try {
    // Leaving the loop destroys the stream and its connection with it.
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, BODY_BYTES_MAX - byteCount));
      byteCount += chunk.byteLength;
      if (byteCount >= BODY_BYTES_MAX) break;
    }
  } catch {
    // The status was the answer. A body that breaks off or drips until the time-out changes nothing about it.
  }
  return Buffer.concat(chunks).toString('utf8');
}

function failureOf(
  error: unknown,
  shown: string,
  limit: { readonly signal: AbortSignal; readonly timeoutMs: number },
): DeliveryOutcome {
  const refusal = causesOf(error).find((cause) => cause instanceof AddressRefusedError);
  if (refusal) return { kind: 'refused', detail: refusal.message };
  if (limit.signal.aborted) return { kind: 'retry', detail: `${shown}: stopped before an answer came` };
  const codes = causesOf(error).flatMap((cause) =>
    'code' in cause && typeof cause.code === 'string' ? [cause.code] : [],
  );
  if (causesOf(error).some(({ name }) => name === 'TimeoutError') || codes.some((code) => TIME_OUTS.has(code))) {
    return { kind: 'retry', detail: `${shown}: no answer within ${limit.timeoutMs} ms` };
  }
  const code = codes[0];
  return {
    kind: 'retry',
    detail: `${shown}: ${(code && PLAIN_WORDS.get(code)) ?? 'the connection failed'} (${code ?? 'no code'})`,
  };
}

const TIME_OUTS: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Messages of network errors may carry addresses and more; their codes say enough. */
const PLAIN_WORDS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nobody listens there'],
  ['ECONNRESET', 'the other side broke the connection off'],
  ['UND_ERR_SOCKET', 'the other side broke the connection off'],
  ['ENOTFOUND', 'the host name does not exist'],
  ['EAI_AGAIN', 'the host name cannot be looked up right now'],
  ['EHOSTUNREACH', 'there is no way to the host'],
  ['ENETUNREACH', 'there is no way to the network'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed: trust it with NODE_EXTRA_CA_CERTS'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate authority is not trusted: add it with NODE_EXTRA_CA_CERTS'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate authority is not trusted: add it with NODE_EXTRA_CA_CERTS'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
]);

/** An error, what caused it, and what it gathers (several addresses tried). */
function causesOf(error: unknown): readonly Error[] {
  if (!(error instanceof Error)) return [];
  const gathered = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return [error, ...causesOf(error.cause), ...gathered.flatMap(causesOf)];
}
