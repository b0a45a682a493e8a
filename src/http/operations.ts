import { type FastifyInstance, fastify } from 'fastify';
import { METRICS_TYPE, type Metric, renderMetrics } from './metrics.ts';

/** What an operations endpoint tells; everything is asked for anew with each request. */
export interface OperationsFacts {
  /** Whether all stages run. */
  isAlive(): boolean;
  /** What keeps the process from being ready; none: it is. */
  obstacles(): Promise<readonly string[]>;
  /** What is shown under `/status`. */
  status(): Promise<object>;
  metrics(): Promise<readonly Metric[]>;
}

export interface OperationsOptions {
  readonly host: string;
  readonly port: number;
  readonly facts: OperationsFacts;
}

/** A running endpoint. */
export interface Operations {
  readonly url: string;
  close(): Promise<void>;
}

/** Answers those who keep the process running: `/healthz`, `/readyz`, `/metrics`, `/status`. It takes nothing in and changes nothing. */
export async function openOperations({ host, port, facts }: OperationsOptions): Promise<Operations> {
  const app = fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000 });
  addRoutes(app, facts);
  const url = await app.listen({ host, port });
  return { url, close: () => app.close() };
}

function addRoutes(app: FastifyInstance, facts: OperationsFacts): void {
  app.get('/healthz', (_, reply) => {
    const isAlive = facts.isAlive();
    return reply.code(isAlive ? 200 : 503).send({ alive: isAlive });
  });
  app.get('/readyz', async (_, reply) => {
    const obstacles = await facts.obstacles();
    return reply.code(obstacles.length === 0 ? 200 : 503).send({ ready: obstacles.length === 0, obstacles });
  });
  app.get('/metrics', async (_, reply) => reply.type(METRICS_TYPE).send(renderMetrics(await facts.metrics())));
  app.get('/status', async () => facts.status());
}
