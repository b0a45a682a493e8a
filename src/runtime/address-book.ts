import { type AsnResponse, type CountryResponse, open, type Reader } from 'maxmind';
import type { AddressFacts } from '../enrich/enrich.ts';

/** Looks addresses up in MaxMind database files, where they are configured. */
export async function openAddressBook(files: {
  readonly asn?: string | undefined;
  readonly country?: string | undefined;
}): Promise<(address: string) => AddressFacts | null> {
  const asn = files.asn === undefined ? undefined : await open<AsnResponse>(files.asn);
  const country = files.country === undefined ? undefined : await open<CountryResponse>(files.country);
  if (asn === undefined && country === undefined) return () => null;
  return (address) => ({
    asn: find(asn, address)?.autonomous_system_number ?? null,
    country: find(country, address)?.country?.iso_code ?? null,
  });
}

function find<T extends AsnResponse | CountryResponse>(reader: Reader<T> | undefined, address: string): T | null {
  return reader?.get(address) ?? null;
}
