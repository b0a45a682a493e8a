import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { describeConfig } from '../../src/config/describe.ts';
import { loadConfig } from '../../src/config/load.ts';
import { installedOf, policyOf } from '../../src/config/mapping.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

const detectors = await loadDetectors();
const KEY = 'k'.repeat(32);

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

async function load(text: string, { env = {}, files = {} }: Surroundings = {}) {
  const readFile = (path: string) => {
    if (files[path] === undefined) throw new Error('ENOENT');
    return files[path];
  };
  const { config } = await loadConfig({
    path: 'tw.yaml',
    text,
    env,
    readFile,
    detectors,
    loadMore: async () => detectors,
  });
  return config;
}

async function complaintAbout(text: string, surroundings?: Surroundings): Promise<string> {
  return load(text, surroundings).then(
    () => 'nothing is wrong',
    (cause: Error) => cause.message,
  );
}

describe('an empty file', () => {
  it('observes, with an embedded log and archive, all detectors, and tells the terminal', async () => {
    const config = await load('');
    expect(config).toMatchObject({
      mode: 'observe',
      log: { kind: 'embedded', partitionCount: 8 },
      clickhouse: { kind: 'embedded' },
    });
    expect(installedOf(config, detectors).map(({ detector, weight }) => [detector.id, weight])).toEqual(
      detectors.map(({ id }) => [id, 1]),
    );
    expect(policyOf(config)).toMatchObject({
      mode: 'observe',
      routes: [{ match: {}, receivers: ['console'] }],
      revocationRules: [],
    });
  });

  it('prints as it takes effect, and what is printed loads to the same', async () => {
    const config = await load('');
    expect(describeConfig(await load(describeConfig(config)))).toBe(describeConfig(config));
  });
});

describe('what is wrong', () => {
  it('is told all at once, with line, path and what to do', async () => {
    const text = [
      'mode: enfroce',
      'sources:',
      '  - name: Audit',
      '    kind: kafka',
      '    format: pgaudit',
      '    topics: audit',
      '  - kind: fiel',
      '    name: f',
      'detection:',
      '  detectors:',
      '    new-tabel: {}',
      '    volume-spike: {wieght: 2}',
      'clickhouse: {kind: server, url: "ftp://x", retentionDays: {events: 0.5}}',
    ].join('\n');
    const complaint = await complaintAbout(text);
    expect(complaint.split('\n')[0]).toMatch(/^tw\.yaml has \d+ problems:$/);
    expect(complaint).toContain('line 1: mode: must be one of observe, enforce');
    expect(complaint).toContain('line 3: sources[0].name: small letters');
    expect(complaint).toContain('line 6: sources[0].topics: must be a list');
    expect(complaint).toContain('line 7: sources[1].kind: must be one of kafka, http, file, stdin');
    expect(complaint).toContain('line 11: detection.detectors.new-tabel: is not an option; did you mean "new-table"?');
    expect(complaint).toContain(
      'line 12: detection.detectors.volume-spike.wieght: is not an option; did you mean "weight"?',
    );
    expect(complaint).toContain('line 13: clickhouse.url: must be an http(s) URL');
    expect(complaint).toContain('line 13: clickhouse.retentionDays.events: must be a whole number');
  });

  it.each([
    ['a: [1', 'line 1'],
    ['mode: observe\nmode: enforce', 'line 2'],
    ['- 1', 'must be a mapping'],
    ['log: {}', 'line 1: log.kind: must be one of embedded, kafka'],
    ['sources: [{kind: file, format: canonical, name: f}]', 'sources[0].path: is missing: give a text'],
    [
      'sources: [{kind: file, format: canonical, name: 7, path: x}]',
      'sources[0].name: must be a text (put it in quotes)',
    ],
    ['detection: {alarmBudget: "1 per day"}', 'write it as "1 per 1000 token-months"'],
    ['response: {silences: [{match: {}, until: 2026-01-01T00:00:00Z, reason: x}]}', 'would silence everything'],
    [
      'sources: [{kind: http, format: canonical, name: h, host: 0.0.0.0}]',
      'sources[0].keys: is needed where others can reach',
    ],
    ['response: {receivers: {s: {kind: slack}}}', 'response.receivers.s.url: is missing'],
    ['response: {receivers: {s: {kind: slcak}}}', 'response.receivers.s.kind: must be one of console, slack, webhook'],
  ])('%s', async (text, expected) => {
    expect(await complaintAbout(text)).toContain(expected);
  });

  it.each([
    ['mode: enforce', 'needs a rule in response.revocation.rules'],
    ['log: {kind: kafka, brokers: ["k:9092"]}', 'fingerprintKey: is needed with a Kafka log'],
    ['sources: [{kind: kafka, format: canonical, name: k, topics: [t]}]', 'sources[0].brokers: is missing'],
    ['response: {routes: [{receivers: [consle]}]}', 'no receiver is named "consle"; did you mean "console"?'],
    ['response: {revocation: {rules: [{revoker: pg}]}}', 'no revoker is named "pg"; none is configured'],
    [
      'sources: [{kind: stdin, format: canonical, name: a}, {kind: stdin, format: canonical, name: a}]',
      'another source is named "a"',
    ],
  ])('between options: %s', async (text, expected) => {
    expect(await complaintAbout(text)).toContain(expected);
  });

  it('never repeats a secret', async () => {
    const text = `fingerprintKey: hunter2\nsources: [{kind: http, format: canonical, name: h, keys: [hunter2]}]\nresponse: {receivers: {w: {kind: webhook, url: "hunter2", secrets: [hunter2]}}}`;
    const complaint = await complaintAbout(text);
    expect(complaint).toContain('has 4 problems');
    expect(complaint).not.toContain('hunter2');
  });
});

describe('variables', () => {
  const text = `fingerprintKey: \${KEY}\ndataFolder: "\${HOME_OF_DATA:-/var/lib/tw}/x"\nsources:\n  - {kind: http, format: canonical, name: h}\n  - kind: http\n    format: canonical\n    name: i\n    port: \${PORT}`;

  it('come from the environment, from files it names, or from their defaults', async () => {
    const config = await load(text, { env: { KEY_FILE: '/run/key', PORT: '9000' }, files: { '/run/key': `${KEY}\n` } });
    expect(config.fingerprintKey?.reveal()).toBe(KEY);
    expect(config.dataFolder).toBe('/var/lib/tw/x');
    expect(config.sources[1]).toMatchObject({ port: 9000 });
  });

  it('that are not set, and files that cannot be read, are told', async () => {
    const complaint = await complaintAbout(text, { env: { KEY_FILE: '/run/key' } });
    expect(complaint).toContain('line 1: cannot read /run/key, which the environment variable KEY_FILE names');
    expect(complaint).toContain('line 8: the environment variable PORT is not set, and PORT_FILE neither');
  });

  it('are not looked for in their own values, nor in comments', async () => {
    const config = await load(`# \${NOT_SET}\ndataFolder: "\${A}$\${B}"`, { env: { A: '$' + '{B}' } });
    expect(config.dataFolder).toBe('${B}${B}');
  });
});

describe('printing', () => {
  it('shows no secret', async () => {
    const config = await load(
      stringify({
        fingerprintKey: KEY,
        log: { kind: 'kafka', brokers: ['k:9092'], sasl: { mechanism: 'plain', username: 'u', password: 'hunter2' } },
        sources: [{ kind: 'http', format: 'canonical', name: 'h', keys: ['hunter2hunter2hunter2'] }],
        clickhouse: { kind: 'server', url: 'http://c:8123', password: 'hunter2' },
        response: { receivers: { s: { kind: 'slack', url: 'https://hooks.slack.com/services/hunter2' } } },
      }),
    );
    const shown = describeConfig(config);
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain(KEY);
    expect(parse(shown)).toMatchObject({
      fingerprintKey: '[secret]',
      response: { receivers: { s: { url: '[secret]' } } },
    });
  });
});
