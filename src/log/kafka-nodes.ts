import type { KafkaNode } from './kafka-client.ts';

/**
 * All brokers that kafkajs's pool has made. When callers find a broker away at the same time, or one is replaced, the pool forgets some with
 * their connections open: each would stay until the broker ends it, and keep a process that has stopped from ending.
 */
export class Nodes {
  readonly #made = new Set<KafkaNode>();
  #closing: readonly KafkaNode[] = [];

  /** @returns the broker, which opens each of its connections once, and none after it was retired. */
  add(node: KafkaNode): KafkaNode {
    this.#made.add(node);
    const { connectionPool } = node;
    const getConnection = connectionPool.getConnection.bind(connectionPool);
    const opening = new Map<number, Promise<unknown>>();
    connectionPool.getConnection = (index = 0) => {
      if (connectionPool.pool[index]?.isConnected()) return getConnection(index);
      if (!this.#made.has(node)) return Promise.reject(retiredError());
      // Of two requests at once, each would open a socket of its own, and write to the one that opens last.
      const already = opening.get(index);
      if (already !== undefined) return already;
      const connection = getConnection(index).finally(() => {
        opening.delete(index);
        // Retired while it was opened.
        if (!this.#made.has(node)) void node.disconnect();
      });
      opening.set(index, connection);
      return connection;
    };
    return node;
  }

  /** Closes those that the pool has forgotten, as soon as their requests are answered. */
  retire(inPool: ReadonlySet<KafkaNode | undefined>): void {
    for (const node of this.#made) {
      if (inPool.has(node)) continue;
      this.#made.delete(node);
      void node.disconnect();
    }
  }

  /** Resolves when all answers have come and all connections are closed. */
  async close(): Promise<void> {
    this.#closing = [...this.#made];
    this.#made.clear();
    await Promise.all(this.#closing.map((node) => node.disconnect()));
  }

  /** What has not closed in time must not keep the process from ending, nor whoever waits for an answer waiting. */
  cutOff(): void {
    for (const { connectionPool } of this.#closing) {
      for (const { requestQueue, socket } of connectionPool.pool) {
        requestQueue.rejectAll(connectionError('cut off, since this log is closed'));
        requestQueue.destroy();
        socket?.destroy();
      }
    }
  }
}

/** As if it could not be connected to: whoever asked looks the broker up anew. */
function retiredError(): Error {
  return Object.assign(connectionError('this broker was looked up anew meanwhile'), { retriable: true });
}

/** As kafkajs's own. */
function connectionError(what: string): Error {
  return Object.assign(new Error(`Connection error: ${what}`), { name: 'KafkaJSConnectionError' });
}
