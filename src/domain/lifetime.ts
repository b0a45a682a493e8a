/**
 * How long rows may be kept at most, days. ClickHouse's times end in 2106: a lifetime that reaches beyond begins anew in 1970, and everything
 * would be deleted at once.
 */
export const LIFETIME_DAYS_MAX = 18_250;
