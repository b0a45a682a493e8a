import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/domain/clock.ts';
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from '../../src/log/embedded.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';

/** Opens a folder's log, by the machine's time unless another is given. */
export function open(options: Omit<EmbeddedLogOptions, 'clock'> & { readonly clock?: Clock }): Promise<EmbeddedLog> {
  return openEmbeddedLog({ clock: systemClock, ...options });
}

export const HOUR_MS = 3_600_000;

/** A data folder of its own. */
export async function newFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'tokenwarden-log-'));
  return { path, remove: () => rm(path, { recursive: true }) };
}

/** The machine's time, moved ahead at will. */
export function aheadClock(): Clock & { ahead(ms: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    ahead(ms) {
      aheadMs += ms;
    },
  };
}

/** The values of partition 0, as text. */
export async function readTexts(log: Log, topic: string): Promise<(string | null)[]> {
  const kept: (string | null)[] = [];
  for await (const batch of log.read(topic, 0)) kept.push(...batch.map(({ value }) => value?.toString() ?? null));
  return kept;
}
