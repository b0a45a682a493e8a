import { runCommand } from '../../src/cli/commands/run.ts';
import { assemble } from '../../src/runtime/assemble.ts';
import { TRAP_VARIABLE, type Trap } from './steps.ts';
import { trapped } from './trapped.ts';

// `tokenwarden run`, with a trap: see `trapped.ts`.

const interrupted = new AbortController();
process.once('SIGTERM', () => interrupted.abort());
const between = trapped(JSON.parse(process.env[TRAP_VARIABLE] ?? '{}') as Trap);
const io = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  isTerminal: false,
  colours: false,
  env: process.env,
  interrupted: interrupted.signal,
};
const command = runCommand(io, (config, detectors, options) => assemble(config, detectors, { ...options, between }));
await command.parseAsync(process.argv.slice(3), { from: 'user' });
