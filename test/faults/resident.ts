import type { TokenwardenProcess } from '../support/tokenwarden-process.ts';

const INTERVAL_MS = 100;

/** How much memory a process holds, looked at again and again. */
export interface MemorySamples {
  /** By which the most exceeds the first. */
  grownMiB(): number;
  readonly samples: readonly { readonly atMs: number; readonly residentMiB: number }[];
  stop(): void;
}

export function sampleMemory(tokenwarden: TokenwardenProcess, intervalMs = INTERVAL_MS): MemorySamples {
  const startedAt = performance.now();
  const samples = [{ atMs: 0, residentMiB: tokenwarden.residentMiB() }];
  const timer = setInterval(() => {
    if (tokenwarden.exited) return;
    samples.push({ atMs: performance.now() - startedAt, residentMiB: tokenwarden.residentMiB() });
  }, intervalMs);
  return {
    samples,
    grownMiB: () => Math.max(...samples.map(({ residentMiB }) => residentMiB)) - samples[0]!.residentMiB,
    stop: () => clearInterval(timer),
  };
}
