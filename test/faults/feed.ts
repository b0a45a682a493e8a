import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultContext } from './scenario.ts';
import { createTraffic, type Traffic } from './traffic.ts';

/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;

/** A file that grows, and a source that reads it. */
export interface Feed {
  readonly traffic: Traffic;
  readonly sources: readonly object[];
  write(lines: readonly string[]): void;
  /** From now on there are so many lines more every `intervalMs`, with a theft and a line that is no event. @returns ends it */
  flow(lineCount: number, intervalMs?: number): () => void;
}

const FLOW_MS = 400;

/** Begins with days of history. @param keptCount services whose tokens are stolen only when asked for */
export function createFeed({ folder, defer }: FaultContext, tokenCount = 60, keptCount = 0): Feed {
  const path = join(folder, 'input.jsonl');
  const traffic = createTraffic('feed', tokenCount, keptCount);
  const write = (lines: readonly string[]) => appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
  for (let day = 0; day < DAYS; day++) write(traffic.takeDay());
  return {
    traffic,
    sources: [{ name: 'input', kind: 'file', format: 'canonical', path }],
    write,
    flow(lineCount, intervalMs = FLOW_MS) {
      const more = () => write([...traffic.take(lineCount), ...traffic.takeTheft(), ...traffic.takeBad()]);
      const timer = setInterval(more, intervalMs);
      const end = () => clearInterval(timer);
      defer(end);
      return end;
    },
  };
}
