import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { CliIo } from '../../src/cli/io.ts';
import { createProgram } from '../../src/cli/program.ts';
import { loadProject } from '../../src/cli/project.ts';

/** As much of `docker compose up` as can be checked without a Docker engine: that what it names is there, pinned, and valid. */

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: string | readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const ROOT = join(import.meta.dirname, '..', '..');
const CONFIG = 'deploy/tokenwarden.compose.yaml';
/** A tag that does not move to another release: at least two numbers. */
const PINNED = /:\d+\.\d+[\w.-]*$/;

const compose = parse(readText('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build);

function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function quietIo(): CliIo {
  return {
    out: () => undefined,
    err: () => undefined,
    isTerminal: false,
    colours: false,
    env: {},
    interrupted: new AbortController().signal,
  };
}

describe('docker-compose.yml', () => {
  it('has the services it promises', () => {
    expect(Object.keys(compose.services)).toEqual([
      'kafka',
      'topics',
      'clickhouse',
      'tokenwarden',
      'generator',
      'receiver',
    ]);
  });

  describe.each(services)('%s', (_, service) => {
    it('has an image of one release', () => {
      expect(service.image).toMatch(PINNED);
    });

    it('names volumes and files that are there', () => {
      for (const volume of service.volumes ?? []) {
        const [from = '', to = ''] = volume.split(':');
        expect(to).toMatch(/^\//);
        if (from.startsWith('./')) expect(existsSync(join(ROOT, from)), `${from} does not exist`).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(from);
      }
    });

    it('publishes ports on the loopback address only, and gains no privileges', () => {
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      expect(service.security_opt).toContain('no-new-privileges:true');
    });

    it('waits for services in a state that they can reach', () => {
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        const other = compose.services[name];
        expect(other, `there is no service ${name}`).toBeDefined();
        if (condition === 'service_healthy') expect(other?.healthcheck).toBeDefined();
        else expect([condition, other?.restart]).toEqual(['service_completed_successfully', 'on-failure']);
      }
    });
  });

  it('uses every volume it declares', () => {
    const used = services.flatMap(([, { volumes }]) => (volumes ?? []).map((volume) => volume.split(':')[0]));
    for (const name of Object.keys(compose.volumes)) expect(used).toContain(name);
  });

  it('has topics stamped by the broker', () => {
    expect(compose.services['kafka']?.environment?.['KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE']).toBe('LogAppendTime');
    expect(compose.services['topics']?.command).toContain('--config=message.timestamp.type=LogAppendTime');
  });

  it.skipIf(!hasCompose())('is what `docker compose` takes it for', () => {
    execFileSync('docker', ['compose', 'config', '--quiet'], { cwd: ROOT });
  });
});

describe('our own image', () => {
  it.each(ours)('%s: can write to its volume and nowhere else', (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
  });

  it.each(ours)('%s: is started with a command that exists, and with its options', (_, { command }) => {
    const [name, ...args] = command as readonly string[];
    const found = createProgram(quietIo()).commands.find((candidate) => candidate.name() === name);
    expect(found, `there is no command ${name}`).toBeDefined();
    const { operands, unknown } = found!.parseOptions([...args]);
    expect([operands, unknown]).toEqual([[], []]);
  });

  it('is built from what exists, on a pinned base, and not run by root', () => {
    const { build } = compose.services['tokenwarden'] ?? {};
    expect(build?.context).toBe('.');
    const dockerfile = readText(build?.dockerfile ?? '');
    const ignored = readText('.dockerignore').split('\n');
    expect(dockerfile).toMatch(/^FROM node:24\.\d+\.\d+-\S+$/m);
    expect(dockerfile).toMatch(/^USER node$/m);
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (.+) \S+$/gm)) {
      for (const source of sources.split(' ')) {
        expect(existsSync(join(ROOT, source)), `${source} does not exist`).toBe(true);
        expect(ignored).toContain(`!${source}`);
      }
    }
  });

  it('has the Node that the tests run with', () => {
    const { devDependencies } = JSON.parse(readText('package.json')) as { devDependencies: Record<string, string> };
    expect(readText('deploy/Dockerfile')).toContain(`FROM node:${devDependencies['node']}-`);
  });
});

describe('its configuration', () => {
  const tokenwarden = compose.services['tokenwarden'];

  it('is the file that is mounted where the command looks for it', () => {
    expect(tokenwarden?.command).toContain('/etc/tokenwarden/tokenwarden.yaml');
    expect(tokenwarden?.volumes).toContain(`./${CONFIG}:/etc/tokenwarden/tokenwarden.yaml:ro`);
  });

  it('is right, and speaks to the services of the file', async () => {
    const { config } = await loadProject(quietIo(), join(ROOT, CONFIG));
    expect(config.log).toMatchObject({ kind: 'kafka', brokers: ['kafka:9092'] });
    expect(config.clickhouse).toMatchObject({ kind: 'server', url: 'http://clickhouse:8123' });
    expect(tokenwarden?.volumes).toContain(`tokenwarden-data:${config.dataFolder}`);
  });

  it('has the secrets of the other side', () => {
    const text = readText(CONFIG);
    const { environment: clickhouse } = compose.services['clickhouse'] ?? {};
    expect(text).toContain(`password: ${clickhouse?.['CLICKHOUSE_PASSWORD']}`);
    expect(text.split(`secrets: [${compose.services['receiver']?.environment?.['WEBHOOK_SECRET']}]`)).toHaveLength(3);
  });
});

describe('the check on GitHub', () => {
  const workflow = readText('.github/workflows/check.yml');

  it('runs what is run here, with pinned actions', () => {
    expect(workflow).toContain('run: .ci/run');
    for (const [, action = ''] of workflow.matchAll(/uses: (\S+)/g)) expect(action).toMatch(/@v\d+\.\d+\.\d+$/);
    expect((parse(workflow) as { jobs: { check: { container: string } } }).jobs.check.container).toMatch(PINNED);
    expect(statSync(join(ROOT, '.ci/run')).mode & 0o111, 'is executable').toBe(0o111);
  });
});

function hasCompose(): boolean {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // No Docker, or one without compose: the rest has been checked all the same.
  }
}
