import { describe, expect, it } from 'vitest';
import { originOf } from '../../src/domain/origin.ts';
import { networkOf } from '../../src/enrich/network.ts';

describe('originOf', () => {
  it.each([
    ['10.1.2.3', 'internal'],
    ['127.0.0.1', 'internal'],
    ['169.254.1.1', 'internal'],
    ['203.0.113.9', 'internet'],
    ['::1', 'internal'],
    ['fd12:3456::1', 'internal'],
    ['fe80::1', 'internal'],
    ['2001:db8::1', 'internet'],
    ['64:ff9b::1', 'internet'],
    ['::ffff:10.0.0.1', 'internal'],
  ])('%s is %s', (address, origin) => {
    expect(originOf(networkOf(address) ?? '')).toBe(origin);
  });

  it.each([
    [172, 16, 31],
    [192, 168, 168],
    [100, 64, 127],
  ])('%i.x is internal from x = %i to %i', (first, from, to) => {
    const origins = [from - 1, from, to, to + 1].map((second) => originOf(`${first}.${second}.7.0/24`));
    expect(origins).toEqual(['internet', 'internal', 'internal', 'internet']);
  });

  it('takes what is no network for the internet', () => {
    expect(originOf('')).toBe('internet');
    expect(originOf('somewhere')).toBe('internet');
  });
});
