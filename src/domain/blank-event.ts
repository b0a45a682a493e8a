import type { AuditEvent } from './audit-event.ts';

/** An event in which nothing is known but where it came from, whose it is and when: the start of every made-up one. */
export function blankEvent(id: string, token: string, at: number): AuditEvent {
  return {
    id,
    at,
    token,
    principal: null,
    address: null,
    database: null,
    operation: null,
    tables: [],
    statement: null,
    shape: null,
    isUnbounded: null,
    rows: null,
    bytes: null,
    success: null,
    application: null,
    session: null,
    format: 'canonical',
    network: null,
    asn: null,
    country: null,
    owner: null,
    environment: null,
  };
}
