import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret, secretString } from '../../src/config/secret.ts';

const VALUE = 'hunter2-hunter2';

describe('Secret', () => {
  it('gives its value only when asked', () => {
    const secret = new Secret(VALUE);
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ nested: { secret } }, { depth: 9, showHidden: true, getters: true }),
      JSON.stringify(Object.entries(secret)),
      new Error(`bad ${secret}`).message,
    ];
    for (const text of shown) expect(text).not.toContain(VALUE);
    expect(shown[0]).toBe('[secret]');
    expect(secret.reveal()).toBe(VALUE);
  });
});

describe('secretString', () => {
  const schema = z.strictObject({
    key: secretString(z.string().min(8, { abort: true })).describe('A key.'),
    name: z.string(),
  });

  it('reads a string', () => {
    expect(schema.parse({ key: VALUE, name: 'x' }).key.reveal()).toBe(VALUE);
  });

  it('says what is wrong without saying what was given', () => {
    const short = schema.safeParse({ key: 'abc-xyz', name: 'x' });
    expect(short.success).toBe(false);
    expect(z.prettifyError(short.error!)).not.toContain('abc-xyz');
    expect(JSON.stringify(short.error)).not.toContain('abc-xyz');
  });

  it('is not handed to checks of the whole object when it is bad', () => {
    const checked = z.strictObject({ key: secretString() }).superRefine(({ key }) => void key.reveal());
    for (const key of ['', 7, undefined]) expect(checked.safeParse({ key }).success).toBe(false);
  });

  it('marks its JSON schema, so that printers know', () => {
    const { properties } = z.toJSONSchema(schema, { io: 'input' });
    expect(properties?.['key']).toMatchObject({ type: 'string', secret: true, description: 'A key.' });
    expect(properties?.['name']).not.toHaveProperty('secret');
  });
});
