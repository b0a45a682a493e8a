import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RECEIVER_KINDS } from '../../src/deliver/receivers.ts';
import type { DeliveryPorts, ReceiverKind, RevokerKind } from '../../src/deliver/registry.ts';
import { REVOKER_KINDS } from '../../src/deliver/revokers.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { sampleNotification, sampleOrder } from '../deliver/sample.ts';

const FOLDER = new URL('../../src/deliver/', import.meta.url);

interface Option {
  readonly description?: string;
  readonly secret?: boolean;
  readonly items?: Option;
}

/** Ports of a world that must not be touched. */
const untouched: DeliveryPorts = {
  clock: systemClock,
  resolve: (hostname) => Promise.reject(new Error(`looked ${hostname} up`)),
  write: (text) => expect.fail(`wrote ${text}`),
};

function optionsOf(kind: ReceiverKind | RevokerKind) {
  const schema = z.toJSONSchema(kind.config, { io: 'input' });
  return { schema, options: Object.entries((schema.properties ?? {}) as Record<string, Option>) };
}

/** The values of an example that must not be shown: of a URL what comes after the host, of everything else the whole. */
function secretsOf(kind: ReceiverKind | RevokerKind): readonly string[] {
  const example = kind.example as Record<string, unknown>;
  return optionsOf(kind).options.flatMap(([name, option]) =>
    option.secret || option.items?.secret
      ? [example[name] ?? []].flat().map((value) => String(value).replace(/^https?:\/\/[^/]+\//, ''))
      : [],
  );
}

describe.each([
  ['receivers', RECEIVER_KINDS],
  ['revokers', REVOKER_KINDS],
] as const)('%s', (folder, kinds) => {
  it('the list and the folder agree, in order', async () => {
    const files = (await readdir(new URL(`${folder}/`, FOLDER))).sort();
    expect(kinds.map(({ kind }) => `${kind}.ts`)).toEqual(files);
  });

  describe.each(kinds.map((kind) => [kind.kind, kind] as const))('%s', (name, kind) => {
    it('is the default export of its file', async () => {
      const loaded = (await import(new URL(`${folder}/${name}.ts`, FOLDER).href)) as { default: unknown };
      expect(loaded.default).toBe(kind);
    });

    it('documents itself and every option', () => {
      expect(kind.title.length).toBeGreaterThan(4);
      expect(kind.description.length).toBeGreaterThan(80);
      const { schema, options } = optionsOf(kind);
      expect(schema.additionalProperties, 'strict').toBe(false);
      for (const [option, { description }] of options) expect(description, option).toBeTruthy();
    });

    it('marks what is secret', () => {
      for (const [option, { secret, items }] of optionsOf(kind).options) {
        if (/url|secret|password|connection/i.test(option)) expect(secret ?? items?.secret, option).toBe(true);
      }
    });

    it('its example parses, and shows no secret when printed', () => {
      const printed = JSON.stringify(kind.config.parse(kind.example));
      for (const secret of secretsOf(kind)) expect(printed).not.toContain(secret);
    });

    it('opens without touching the world, and closes', async () => {
      const opened = kind.open(kind.config.parse(kind.example), untouched);
      expect(opened.kind).toBe(name);
      await opened.close?.();
    });

    it('settles at once as `retry` when the process stops, and says no secret', async () => {
      const opened = kind.open(kind.config.parse(kind.example), untouched);
      const aborted = AbortSignal.abort();
      const outcomes =
        'send' in opened
          ? [await opened.send(sampleNotification(), aborted)]
          : [
              await opened.revoke(sampleOrder(), aborted),
              await opened.verify(sampleOrder(), aborted),
              await opened.undo(sampleOrder({ kind: 'undo' }), aborted),
            ];
      for (const { kind: settled, detail } of outcomes) {
        expect(settled).toBe('retry');
        for (const secret of secretsOf(kind)) expect(detail).not.toContain(secret);
      }
      await opened.close?.();
    });
  });
});
