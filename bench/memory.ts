import { DAY_MS } from '../src/baseline/time.ts';
import { thresholdsOf } from '../src/detect/budget.ts';
import { Engine } from '../src/detect/engine.ts';
import { blankEvent } from '../src/domain/blank-event.ts';
import { loadDetectors } from '../src/runtime/load-detectors.ts';

export interface Memory {
  readonly tokenCount: number;
  /** A token's record: the state of all detectors and of the engine. */
  readonly recordBytes: number;
  /** What the process grew by, per token. */
  readonly bytesPerToken: number;
}

const TOKEN_COUNT = 200_000;

/** Grows one engine to many tokens and looks at what the process holds. */
export async function measureBytesPerToken(): Promise<Memory> {
  const detectors = await loadDetectors();
  const engine = new Engine({
    installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
    hashSeed: 1,
    tokensMax: TOKEN_COUNT,
    onFailure: () => undefined,
  });
  const before = heldBytes();
  const start = Date.UTC(2026, 0, 5);
  for (let day = 0; day < 2; day++) {
    for (let i = 0; i < TOKEN_COUNT; i++) {
      const event = {
        ...blankEvent(`bench/0/${i}`, `token-${i}`, start + day * DAY_MS + i),
        tables: [`public.table_${i % 50}`],
        network: '192.0.2.0/24',
        rows: i % 100,
        success: true,
      };
      engine.observe(event, day * TOKEN_COUNT + i, event.at);
    }
    for (const _ of engine.takeDirty()) {
      // As a checkpoint does; what it would write is dropped.
    }
  }
  const grownBytes = heldBytes() - before;
  return {
    tokenCount: engine.tokenCount,
    recordBytes: engine.layout.sizeBytes,
    bytesPerToken: grownBytes / engine.tokenCount,
  };
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
