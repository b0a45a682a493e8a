import { readFileSync } from 'node:fs';
import { runCommand } from '../../src/cli/commands/run.ts';
import { assemble } from '../../src/runtime/assemble.ts';
import { TRAP_FILE_VARIABLE, TRAP_VARIABLE, type Trap } from './steps.ts';
import { trapped } from './trapped.ts';

// `tokenwarden run`, with a trap: see `trapped.ts`.

const interrupted = new AbortController();
process.once('SIGTERM', () => interrupted.abort());
const trapIn = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as Trap));
const between = trapped(trapIn(process.env[TRAP_VARIABLE]));
const file = process.env[TRAP_FILE_VARIABLE];
if (file !== undefined) process.on('SIGUSR2', () => between.arm(JSON.parse(readFileSync(file, 'utf8')) as Trap));
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
