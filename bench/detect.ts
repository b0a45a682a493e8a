import { thresholdsOf } from '../src/detect/budget.ts';
import type { EngineOptions } from '../src/detect/engine.ts';
import type { Log } from '../src/log/log.ts';
import { startDetect } from '../src/pipeline/detect.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { loadDetectors } from '../src/runtime/load-detectors.ts';

/** An engine as the default configuration makes it: all detectors, the default budget. */
export async function engineOptions(tokensMax: number): Promise<EngineOptions> {
  const detectors = await loadDetectors();
  return {
    installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
    hashSeed: 1,
    tokensMax,
    onFailure: (id, cause) => {
      throw new Error(`${id} failed`, { cause });
    },
  };
}

/** The detect stage as the default configuration has it, with a checkpoint every five seconds. */
export async function startDetectStage(log: Log, tokensMax: number) {
  return startDetect({
    log,
    clock: systemClock,
    engine: await engineOptions(tokensMax),
    checkpointIntervalMs: 5000,
    checkpointTokensMax: 20_000,
    standbyIntervalMs: null,
    onWarning: (message) => console.error(message),
  });
}

/** Runs the detect stage until it has decided `eventCount` events. @returns events a second, from the first batch on */
export async function runDetect(log: Log, eventCount: number, tokensMax = 1_000_000): Promise<number> {
  const joinedAt = performance.now();
  const detect = await startDetectStage(log, tokensMax);
  let startedAt = 0;
  while (detect.counts.events < eventCount) {
    // As with the bare consumer: joining the group aside.
    if (startedAt === 0 && detect.counts.events > 0) startedAt = performance.now();
    await systemClock.sleep(2);
  }
  const endedAt = performance.now();
  await detect.stop();
  await detect.done;
  return (eventCount / (endedAt - (startedAt || joinedAt))) * 1000;
}
