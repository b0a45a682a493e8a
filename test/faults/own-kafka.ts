import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { Missing } from '../support/missing.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import type { FaultContext } from './scenario.ts';

/** A Kafka for one scenario alone, that may be ended and started again. */
export async function startOwnKafka({
  defer,
}: Pick<FaultContext, 'defer'>): Promise<Required<Pick<KafkaServer, 'brokers' | 'restart'>>> {
  const server = await startKafka();
  if ('skipped' in server) throw new Missing(server.skipped);
  defer(() => server.stop());
  const { brokers, restart } = server;
  if (restart === undefined) throw new Missing('this Kafka is not ours to restart: unset TOKENWARDEN_TEST_KAFKA');
  return { brokers, restart };
}

/** A Kafka with a proxy before it, through which whoever comes that way gets everything. `brokers` leads past it. */
export async function startProxiedKafka({
  defer,
}: Pick<FaultContext, 'defer'>): Promise<Pick<KafkaServer, 'brokers'> & { readonly proxy: TcpProxy }> {
  const proxy = await startTcpProxy();
  defer(proxy.close);
  const server = await startKafka({ proxyPort: proxy.port });
  if ('skipped' in server) throw new Missing(server.skipped);
  defer(() => server.stop());
  if (server.proxiedPort === undefined)
    throw new Missing('this Kafka cannot be put behind a proxy: unset TOKENWARDEN_TEST_KAFKA');
  proxy.passTo(server.proxiedPort);
  return { brokers: server.brokers, proxy };
}
