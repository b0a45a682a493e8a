import { randomUUID } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../domain/clock.ts';
import { LogError } from '../log/log.ts';
import { type Authorise, createAuthorise, isLoopback } from './ingestion-keys.ts';
import { bodyTooLarge, type PostedRecord, RequestError, readBody, splitJson, splitLines } from './request-body.ts';
import { createRequestLane, type RequestLane } from './request-lane.ts';
import type { Source } from './source.ts';

export interface HttpSourceOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Secrets, of which a request must carry one (`Authorization: Bearer …`). `null`: none needed, on a loopback host only. */
  readonly keys: readonly string[] | null;
  readonly clock: Clock;
  /** Of a body, after decompression. Default 8 MiB. */
  readonly bodyBytesMax?: number;
  /** Requests in hand beyond which more are put off (429): what is in memory is at most so many bodies. Default 16. */
  readonly requestsMax?: number;
  /** Names the lane. Another one each start; random by default. */
  readonly startId?: string;
  /** Told the port once it listens. */
  readonly onListening?: (port: number) => void;
}

const BODY_BYTES_MAX = 8 << 20;
const REQUESTS_MAX = 16;
const CONNECTIONS_MAX = 1000;
/** A request must be sent within this. */
const REQUEST_LIMIT_MS = 60_000;
/** Requests in hand get so long to finish when the source stops. */
const STOP_LIMIT_MS = 10_000;
const RETRY_AFTER_SECONDS = '1';

/**
 * Takes records by `POST /v1/events` and answers 202 once they are durable; a request that is refused for what it contains has left nothing
 * behind. One that fails otherwise may have: senders repeat it.
 *
 * @throws Error when it would take records from anybody on the network.
 */
export function openHttpSource(options: HttpSourceOptions): Source {
  const { name, host, keys } = options;
  if (keys === null && !isLoopback(host)) {
    throw new Error(
      `http source "${name}" listens on ${host} and has no keys: anybody could make events up. Set keys, or listen on 127.0.0.1.`,
    );
  }
  const authorise = createAuthorise(keys);
  return {
    name,
    async run(intake, signal) {
      if (signal.aborted) return;
      const lane = createRequestLane(intake, options.startId ?? randomUUID());
      const server = new IngestServer(options, authorise, lane);
      await server.run(signal);
    },
  };
}

class IngestServer {
  readonly #options: HttpSourceOptions;
  readonly #authorise: Authorise;
  readonly #lane: RequestLane;
  readonly #app: FastifyInstance;
  readonly #failed = Promise.withResolvers<never>();
  #inHand = 0;
  #stopping = false;
  #wakeWhenIdle: (() => void) | undefined;

  constructor(options: HttpSourceOptions, authorise: Authorise, lane: RequestLane) {
    this.#options = options;
    this.#authorise = authorise;
    this.#lane = lane;
    this.#app = this.#createApp();
    // Told by `run`, if it still runs.
    this.#failed.promise.catch(() => undefined);
  }

  /** Listens until the signal aborts or something fails that is nobody's request's fault. */
  async run(signal: AbortSignal): Promise<void> {
    const { host, port, onListening } = this.#options;
    await this.#app.listen({ host, port });
    this.#app.server.maxConnections = CONNECTIONS_MAX;
    const address = this.#app.server.address();
    onListening?.(address !== null && typeof address === 'object' ? address.port : port);
    try {
      await Promise.race([aborted(signal), this.#failed.promise]);
    } finally {
      this.#stopping = true;
      await this.#idle();
      await this.#app.close();
    }
  }

  #createApp(): FastifyInstance {
    const app = fastify({
      logger: false,
      requestTimeout: REQUEST_LIMIT_MS,
      forceCloseConnections: true,
      genReqId: () => randomUUID(),
      requestIdHeader: false,
    }) as FastifyInstance;
    app.removeAllContentTypeParsers();
    const lines = this.#parser(splitLines);
    app.addContentTypeParser(['application/x-ndjson', 'application/jsonl'], lines);
    app.addContentTypeParser('application/json', this.#parser(splitJson));
    app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
    app.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply));
    app.setNotFoundHandler((_, reply) =>
      answer(reply, 404, 'not-found', 'there is only POST /v1/events and GET /healthz'),
    );
    app.get('/healthz', async () => ({ status: this.#stopping ? 'stopping' : 'ok' }));
    app.post('/v1/events', { onRequest: async (request, reply) => this.#admit(request, reply) }, (request, reply) =>
      this.#take(request.body, reply),
    );
    return app;
  }

  /** Before the body is read. */
  #admit(request: FastifyRequest, reply: FastifyReply): void {
    const { requestsMax = REQUESTS_MAX, bodyBytesMax = BODY_BYTES_MAX } = this.#options;
    if (!this.#authorise(request.headers.authorization)) {
      void reply.header('www-authenticate', 'Bearer');
      throw new RequestError(401, 'unauthorised', 'send a valid ingestion key: Authorization: Bearer <key>');
    }
    if (this.#stopping) {
      void reply.header('retry-after', RETRY_AFTER_SECONDS).header('connection', 'close');
      throw new RequestError(503, 'stopping', 'stopping; nothing was taken');
    }
    if (this.#inHand >= requestsMax) {
      void reply.header('retry-after', RETRY_AFTER_SECONDS);
      throw new RequestError(429, 'busy', `${requestsMax} requests are in hand already; repeat this one later`);
    }
    if (Number(request.headers['content-length']) > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    this.#count(reply);
  }

  /** A request is in hand until it is answered, and until its records are done with even when its sender is gone. */
  #count(reply: FastifyReply): void {
    this.#inHand += 1;
    reply.raw.once('close', () => {
      const taking = this.#taking.get(reply) ?? Promise.resolve();
      void taking.then(() => {
        this.#inHand -= 1;
        if (this.#inHand === 0) this.#wakeWhenIdle?.();
      });
    });
  }

  /** By the answer that waits for it; never rejects. */
  readonly #taking = new WeakMap<FastifyReply, Promise<void>>();

  async #take(body: unknown, reply: FastifyReply): Promise<FastifyReply> {
    // Without a content type nothing was parsed.
    if (!Array.isArray(body)) throw unsupportedType();
    const records = body as readonly PostedRecord[];
    const taken = this.#lane.take(records, this.#options.clock.now());
    this.#taking.set(
      reply,
      taken.catch(() => undefined),
    );
    await taken;
    return reply.code(202).send({ accepted: records.length });
  }

  #parser(split: (body: Buffer) => PostedRecord[]) {
    const { bodyBytesMax = BODY_BYTES_MAX } = this.#options;
    return async (request: FastifyRequest, payload: FastifyRequest['raw']): Promise<readonly PostedRecord[]> => {
      const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
      if (encoding !== 'gzip' && encoding !== 'identity') {
        throw new RequestError(415, 'unsupported-encoding', 'send the body as it is, or with content-encoding: gzip');
      }
      return split(await readBody(payload, encoding === 'gzip', bodyBytesMax));
    };
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (error instanceof RequestError) return answer(reply, error.status, error.code, error.message);
    if (isFastifyError(error, 'FST_ERR_CTP_INVALID_MEDIA_TYPE')) return this.#refuse(unsupportedType(), request, reply);
    if (isFastifyError(error) && error.statusCode !== undefined && error.statusCode < 500) {
      return answer(reply, error.statusCode, 'bad-request', error.message);
    }
    if (error instanceof LogError && TRANSIENT.has(error.code)) {
      void reply.header('retry-after', RETRY_AFTER_SECONDS);
    } else {
      // Nothing taken is lost, but it will not get better by itself.
      this.#failed.reject(error);
    }
    const advice = 'the records may have been taken in part; repeat the request';
    return answer(reply, 503, 'log-unavailable', `request ${request.id} could not be made durable: ${advice}`);
  }

  async #idle(): Promise<void> {
    if (this.#inHand === 0) return;
    const waiting = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#wakeWhenIdle = resolve;
    });
    await Promise.race([idle, this.#options.clock.sleep(STOP_LIMIT_MS, waiting.signal)]);
    waiting.abort();
  }
}

/** What the log may get over. */
const TRANSIENT: ReadonlySet<string> = new Set(['unavailable', 'stalled', 'too-large']);

function unsupportedType(): RequestError {
  return new RequestError(
    415,
    'unsupported-type',
    'send application/x-ndjson, application/jsonl, or application/json as content-type',
  );
}

function answer(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

function isFastifyError(error: unknown, code?: string): error is Error & { statusCode?: number } {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return code === undefined ? String(error.code).startsWith('FST_') : error.code === code;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
