import { Command } from 'commander';
import { describeConfig } from '../../config/describe.ts';
import { configJsonSchema } from '../../config/schema.ts';
import { loadDetectors } from '../../runtime/load-detectors.ts';
import type { CliIo } from '../io.ts';
import { configOption, detectorsOption, loadProject } from '../project.ts';

export function configCommand(io: CliIo): Command {
  const command = new Command('config').description('check the configuration, print it, print its JSON Schema');
  command
    .command('check')
    .description('say everything that is wrong with the configuration, or that nothing is')
    .addOption(configOption())
    .addOption(detectorsOption())
    .action(async (options: { config?: string; detectors?: string[] }) => {
      const { config, detectors } = await loadProject(io, options.config, options.detectors);
      const sources =
        config.sources.map(({ name, kind, format }) => `${name} (${kind}, ${format})`).join(', ') || 'none';
      io.out(`the configuration is right: mode ${config.mode}, sources: ${sources}, ${detectors.length} detectors\n`);
    });
  command
    .command('show')
    .description('print the configuration as it takes effect, with defaults, without secrets')
    .addOption(configOption())
    .addOption(detectorsOption())
    .action(async (options: { config?: string; detectors?: string[] }) => {
      const { config } = await loadProject(io, options.config, options.detectors);
      io.out(describeConfig(config));
    });
  command
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(async () => io.out(`${JSON.stringify(configJsonSchema(await loadDetectors()), null, 2)}\n`));
  return command;
}
