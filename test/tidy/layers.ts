/**
 * Who may import whom. An entry is a folder of the repository (everything in it) or one file of another layer, its port. What is not listed
 * is not allowed; a folder that is not listed may not exist. A new arrow is rare: argue for it in the review, and say why here.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // The core: synchronous, no I/O.
  'src/domain': [],
  'src/baseline': ['src/domain'],
  'src/normalise': ['src/domain'],
  'src/enrich': ['src/domain'],
  'src/detect': ['src/domain', 'src/baseline'],
  'src/decide': ['src/domain', 'src/baseline/time.ts'],
  'src/backtest': ['src/domain', 'src/baseline/time.ts'],
  // What is made up is labelled.
  'src/simulate': ['src/domain', 'src/baseline/time.ts', 'src/backtest/labels.ts'],
  detectors: ['src/domain', 'src/baseline', 'src/detect'],
  // The stages see the core and ports, never an adapter.
  'src/pipeline': [
    'src/domain',
    'src/baseline',
    'src/normalise',
    'src/enrich',
    'src/detect',
    'src/decide',
    'src/log/log.ts',
    'src/ingest/source.ts',
  ],
  // The adapters know the words, their own port, and one another not at all.
  'src/log': ['src/domain'],
  // Positions are kept in a log of ours.
  'src/ingest': ['src/domain', 'src/log/log.ts', 'src/pipeline/topics.ts'],
  'src/deliver': ['src/domain', 'src/decide', 'src/config/secret.ts'],
  // Renders what it is handed.
  'src/http': [],
  'src/store': ['src/domain'],
  // Says what detectors, formats, receivers and revokers there are to configure.
  'src/config': [
    'src/domain',
    'src/baseline/time.ts',
    'src/normalise',
    'src/detect',
    'src/decide',
    'src/deliver/registry.ts',
    'src/deliver/receivers.ts',
    'src/deliver/revokers.ts',
    'src/ingest/ingestion-keys.ts',
    'src/pipeline/stage.ts',
  ],
  // The only places that choose implementations.
  'src/runtime': ['src'],
  'src/cli': ['src'],
};

/** Folders in which everything is synchronous and nothing touches the world. */
export const CORE: readonly string[] = [
  'src/domain',
  'src/baseline',
  'src/normalise',
  'src/enrich',
  'src/detect',
  'src/decide',
  'src/backtest',
  'src/simulate',
  'detectors',
];

/** Packages each folder may import. `node:*` is free outside the core. A package that ages stands in one folder, behind a port. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/domain': [],
  'src/baseline': ['simple-statistics'],
  'src/normalise': ['zod', 'ipaddr.js'],
  'src/enrich': ['ipaddr.js', 'lru-cache'],
  'src/detect': ['zod'],
  'src/backtest': ['zod'],
  'src/decide': [],
  'src/simulate': [],
  detectors: ['zod', 'simple-statistics'],
  'src/pipeline': [],
  'src/log': ['kafkajs'],
  'src/ingest': ['fastify'],
  'src/http': ['fastify'],
  'src/deliver': ['zod', 'ipaddr.js', 'undici', 'pg', 'standardwebhooks'],
  'src/store': ['@clickhouse/client', 'chdb'],
  'src/config': ['zod', 'yaml'],
  'src/runtime': ['zod', 'pino', 'maxmind'],
  'src/cli': ['commander', 'zod', 'yaml', 'standardwebhooks'],
};

/** The four stages. They meet in logs, never in an import. */
export const STAGE_FILES: readonly string[] = ['collect', 'detect', 'respond', 'archive'].map(
  (name) => `src/pipeline/${name}.ts`,
);

/** The layer a file belongs to; `undefined`: none is declared for it. */
export function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS).find((layer) => path.startsWith(`${layer}/`));
}
