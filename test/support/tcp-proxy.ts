import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to one connection. */
export interface Fate {
  /** It is reset when so many bytes have passed, the last of them delivered or not; `undefined`: never. */
  readonly cutAfterBytes?: number;
  /** Everything is late by so much. */
  readonly delayMs?: number;
}

/** Passes connections on, on 127.0.0.1, and harms them. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that were made, and those that were reset. */
  readonly counts: { made: number; cut: number };
  passTo(port: number): void;
  /** Decides about each connection from now on; those that are open stay as they are. */
  decide(fate: () => Fate): void;
  /** Resets all that are open. */
  cut(): void;
  /** For so long nothing gets through, in either direction, and nobody is told; then it arrives. New connections wait too. */
  hold(holdMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly fate: Fate;
  passedBytes: number;
}

export async function startTcpProxy(): Promise<TcpProxy> {
  const counts = { made: 0, cut: 0 };
  const pairs = new Set<Pair>();
  let target = 0;
  let fateOf: () => Fate = () => ({});
  let held = Promise.resolve();
  const cut = (pair: Pair) => {
    if (!pairs.delete(pair)) return;
    counts.cut += 1;
    for (const socket of [pair.client, pair.server]) socket.resetAndDestroy();
  };
  const pass = (pair: Pair, from: Socket, to: Socket) => {
    // One after the other, however late.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = (act: () => void) => {
      const due = pair.fate.delayMs ? sleep(pair.fate.delayMs) : undefined;
      last = last
        .then(() => due)
        .then(() => held)
        .then(act);
    };
    from.on('data', (chunk: Buffer) =>
      inTurn(() => {
        const left = (pair.fate.cutAfterBytes ?? Number.POSITIVE_INFINITY) - pair.passedBytes;
        pair.passedBytes += chunk.length;
        if (!to.destroyed) to.write(chunk.subarray(0, left));
        if (chunk.length >= left) cut(pair);
      }),
    );
    from.on('end', () => inTurn(() => to.end()));
    from.on('error', () => undefined); // Its end is what counts.
    from.on('close', () => {
      to.destroySoon();
      pairs.delete(pair);
    });
  };
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    counts.made += 1;
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, server, fate: fateOf(), passedBytes: 0 };
    pairs.add(pair);
    pass(pair, client, server);
    pass(pair, server, client);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const cutAll = () => {
    for (const pair of [...pairs]) cut(pair);
  };
  return {
    port: (listener.address() as AddressInfo).port,
    counts,
    passTo: (port) => {
      target = port;
    },
    decide: (fate) => {
      fateOf = fate;
    },
    cut: cutAll,
    hold: (holdMs) => {
      held = sleep(holdMs);
      return held;
    },
    async close() {
      listener.close();
      cutAll();
    },
  };
}
