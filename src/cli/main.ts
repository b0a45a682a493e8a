#!/usr/bin/env node
import { silenceWarnings } from './silence-warnings.ts';

// Before anything loads what the warnings are about.
silenceWarnings();
const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));
