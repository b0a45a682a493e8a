import { Command } from 'commander';
import { STAGE_NAMES } from '../../pipeline/stage.ts';
import { assemble } from '../../runtime/assemble.ts';
import { createLogger } from '../../runtime/logger.ts';
import { giveWay } from '../../runtime/priority.ts';
import { type CliIo, UsageError } from '../io.ts';
import { configOption, detectorsOption, loadProject } from '../project.ts';

/** What a stop may take before the process ends anyway. */
const STOP_MS_MAX = 20_000;

/** @param start tests start it with something between the stages and their log */
export function runCommand(io: CliIo, start: typeof assemble = assemble): Command {
  return new Command('run')
    .description('watch: collect, detect, respond and archive until stopped')
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--stages <names>', `only these stages, separated by commas: ${STAGE_NAMES.join(', ')}`)
    .action(async (options: { config?: string; detectors?: string[]; stages?: string }) => {
      const { config, detectors } = await loadProject(io, options.config, options.detectors);
      const stages = options.stages?.split(',') ?? config.stages;
      const unknown = stages.find((name) => !STAGE_NAMES.includes(name as never));
      if (unknown !== undefined)
        throw new UsageError(`no stage is named "${unknown}"; there are ${STAGE_NAMES.join(', ')}`);
      const logger = createLogger(config.logging.level);
      const wanted = STAGE_NAMES.filter((name) => stages.includes(name));
      giveWay(wanted);
      const application = await start({ ...config, stages: wanted }, detectors, { logger, write: io.out });
      logger.info({ stages, mode: config.mode, sources: config.sources.map(({ name }) => name) }, 'watching');
      const stop = () => {
        logger.info('stopping');
        // Last resort, should something hang: what is not durable by now is done again at the next start.
        setTimeout(() => process.exit(1), STOP_MS_MAX).unref();
        void application.stop();
      };
      if (io.interrupted.aborted) stop();
      else io.interrupted.addEventListener('abort', stop, { once: true });
      try {
        await application.done;
      } finally {
        await application.close();
      }
      logger.info('stopped');
    });
}
