import { z } from 'zod';
import type { Fault, SourceFile } from './source.ts';

const Lockfile = z.object({
  packages: z.record(z.string(), z.object({ optionalDependencies: z.record(z.string(), z.string()).default({}) })),
});

/**
 * The lockfile has an entry for the packages of every platform, not only of the one it was written on: without one of them `npm ci`
 * refuses the whole lockfile, or leaves that platform's users without a binary.
 */
export function lockfileRule({ path, text }: SourceFile): readonly Fault[] {
  if (path !== 'package-lock.json') return [];
  const { packages } = Lockfile.parse(JSON.parse(text));
  return Object.entries(packages).flatMap(([owner, { optionalDependencies }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${owner}/node_modules/${name}` in packages))
      .map((name) => ({
        where: path,
        what: `${owner} has ${name} as an optional dependency, and the lockfile has no entry for it`,
      })),
  );
}
