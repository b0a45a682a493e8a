import { describe, expect, it } from 'vitest';
import { AddressRefusedError, addressRefusal, guardedLookup } from '../../src/deliver/address.ts';

const PUBLIC = ['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '2001:4860:4860::8888'];
const PRIVATE = [
  '10.0.0.5',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '127.0.0.1',
  '127.1.2.3',
  '100.64.0.1',
  '::1',
  'fd12:3456::1',
  '::ffff:10.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
];
const NEVER = [
  '169.254.169.254',
  '169.254.0.1',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
  'fe80::1',
  'fe80::1%eth0',
  '::ffff:169.254.169.254',
  '0.0.0.0',
  '0.1.2.3',
  '::',
  '255.255.255.255',
  '224.0.0.1',
  'ff02::1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::a00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  '::7f00:1',
  '::ffff:0:7f00:1',
  'fec0::1',
  '198.18.0.1',
  '203.0.113.9',
  '240.0.0.1',
  '2001:db8::1',
  'localhost',
  '',
];

describe('addressRefusal', () => {
  it.each(PUBLIC)('lets %s pass', (address) => {
    expect(addressRefusal(address, false)).toBeUndefined();
  });

  it.each(PRIVATE)('lets %s pass only if private addresses are allowed', (address) => {
    expect(addressRefusal(address, false)).toContain('allowPrivateAddresses');
    expect(addressRefusal(address, true)).toBeUndefined();
  });

  it.each(NEVER)('refuses "%s" in any case', (address) => {
    expect(addressRefusal(address, false)).toBeTruthy();
    expect(addressRefusal(address, true)).toBeTruthy();
  });
});

describe('guardedLookup', () => {
  const four = (address: string) => ({ address, family: 4 });

  it('hands on every address, or the first, as the socket asks', async () => {
    const addresses = [four('93.184.215.14'), { address: '2606:2800:21f::1', family: 6 }];
    expect(await lookUp(addresses, { all: true })).toEqual(addresses);
    expect(await lookUp(addresses, {})).toBe('93.184.215.14');
    expect(await lookUp(addresses, { family: 6 })).toBe('2606:2800:21f::1');
  });

  it('refuses the name when one of its addresses is bad', async () => {
    const both = [four('93.184.215.14'), four('10.0.0.5')];
    await expect(lookUp(both, { all: true })).rejects.toBeInstanceOf(AddressRefusedError);
    await expect(lookUp(both, { family: 6 })).rejects.toThrow('hooks.example resolves to 10.0.0.5');
  });

  it('says so when there is none', async () => {
    await expect(lookUp([], { all: true })).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});

function lookUp(addresses: { address: string; family: number }[], options: { all?: boolean; family?: number }) {
  const lookup = guardedLookup(async () => addresses, false);
  return new Promise((resolve, reject) => {
    lookup('hooks.example', options, (error, address) => (error ? reject(error) : resolve(address)));
  });
}
