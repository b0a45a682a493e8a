import { join } from 'node:path';
import { buildOnce } from './maven.ts';

const POM = join(import.meta.dirname, 'kafka-server', 'pom.xml');

/**
 * The jars of a Kafka server, fetched once by Maven.
 *
 * @returns a class path for `java -cp`, or what is missing on this machine.
 */
export async function kafkaClassPath(): Promise<{ classPath: string } | { missing: string }> {
  const fetched = await buildOnce({
    name: 'kafka',
    pom: POM,
    goals: (folder) => ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-DincludeScope=runtime'],
  });
  return 'folder' in fetched ? { classPath: join(fetched.folder, '*') } : fetched;
}
