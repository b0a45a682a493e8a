import { openFileSource } from '../../src/ingest/file.ts';
import { createCounts } from '../../src/pipeline/collect.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { intakeOf, openCollectLog } from './collecting.ts';

/** Follows a file until SIGTERM: `node follow-child.ts <folder> <path>`. */
const [folder, path] = process.argv.slice(2) as [string, string];
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
const log = await openCollectLog(folder);
process.stdout.write('ready\n');
const source = openFileSource({ name: 'audit', path, log, clock: systemClock, follow: true });
await source.run(intakeOf(log, 'audit', createCounts()), stopping.signal);
await log.close();
