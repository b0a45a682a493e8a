import { createRequire } from 'node:module';

interface RequestQueue {
  pending: readonly unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

interface Connection {
  socket: object | null | undefined;
  isConnected(): boolean;
  disconnect(): Promise<boolean>;
}

let mended = false;

/** Mends kafkajs 2.2.4, once a process, where it makes Node warn an operator of nothing. */
export function mendKafkaJs(): void {
  if (mended) return;
  mended = true;
  const require = createRequire(import.meta.url);
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  mendRequestQueue(queue.prototype);
  const connection = require('kafkajs/src/network/connection') as { prototype: Connection };
  mendConnection(connection.prototype);
}

/**
 * After every response it sets a timer of a negative delay, of which Node 24 warns (`TimeoutNegativeWarning`, kafkajs issue 1751).
 * Where nothing is pending there is nothing to look after.
 */
function mendRequestQueue(prototype: RequestQueue): void {
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleIfPending(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}

/** While a broker is away, its connections are closed again and again, and each time a listener is left on the dead socket. */
function mendConnection(prototype: Connection): void {
  const disconnect = prototype.disconnect;
  prototype.disconnect = async function disconnectForGood(this: Connection): Promise<boolean> {
    const { socket } = this;
    const disconnected = await disconnect.call(this);
    if (this.socket === socket && !this.isConnected()) this.socket = null;
    return disconnected;
  };
}
