import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { SIZE_BYTES } from './kafka-socket.ts';

interface RequestQueue {
  pending: readonly unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

interface Connection {
  socket: Pick<Socket, 'connecting' | 'destroy' | 'destroySoon'> | null | undefined;
  chunks: readonly Buffer[];
  processData(data: Buffer): void;
  bytesBuffered: number;
  bytesNeeded: number;
  authHandlers: { onError(): void } | null;
  isConnected(): boolean;
  connect(): Promise<boolean>;
  disconnect(): Promise<boolean>;
}

let mended = false;

/** Mends kafkajs 2.2.4, once a process, where it warns of nothing, and where a connection that breaks harms the next. */
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

/**
 * A connection that breaks in the middle of an answer leaves its beginning behind, and the next one's first answer was taken for the rest:
 * whatever follows is misread, or out of bounds, and ends the process. A login that breaks was waited for as long as the process lives. And
 * while a broker is away, its connections are closed again and again, and each time a listener is left on the dead socket.
 * Each answer is copied once more than needed, to be put behind the nothing that is left of the one before.
 */
function mendConnection(prototype: Connection): void {
  const { connect, disconnect, processData } = prototype;
  prototype.connect = function connectAnew(this: Connection): Promise<boolean> {
    if (!this.isConnected()) Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: SIZE_BYTES });
    return connect.call(this);
  };
  prototype.disconnect = async function disconnectForGood(this: Connection): Promise<boolean> {
    const { socket } = this;
    this.authHandlers?.onError();
    const disconnected = await disconnect.call(this);
    // What still comes from there, a connection at last or the rest of an answer, is not for the next.
    if (socket?.connecting) socket.destroy();
    else socket?.destroySoon();
    if (this.socket === socket && !this.isConnected()) this.socket = null;
    return disconnected;
  };
  prototype.processData = function processWithoutCopying(this: Connection, data: Buffer): void {
    if (this.bytesBuffered === 0) this.chunks = [];
    processData.call(this, data);
  };
}
