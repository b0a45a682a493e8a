/**
 * What a table of a database's own catalogue tells: what there is (`structure`), who may do what (`accounts`), what runs and how it is set up (`server`),
 * or what drivers ask for at each connection (`types`).
 */
export type CatalogueKind = 'types' | 'structure' | 'accounts' | 'server';

/** Schemas and names that are a product's own, some behind the name of a database. */
const CATALOGUE =
  /(?:^|\.)(?:information_schema|pg_catalog|performance_schema|account_usage)\.|^pg_[a-z_]+$|^(?:sys|mysql|syscat|sysibm|syscolumns)\.|^[^.]+\.sys\.|^(?:all|dba|user)_(?:tables|tab_columns|users|roles|role_privs|tab_privs|sys_privs|objects|source)$|^g?v\$[a-z_]+$|^system\.(?:tables|columns|databases|users|roles|[a-z_]*grants|quotas|row_policies|settings|processes|clusters|functions|parts|dictionaries|[a-z]+_log)$|^sqlite_(?:master|schema)$/;
const ACCOUNTS =
  /(?:^|[._])(?:users?|roles?|authid|shadow|group|auth_members|privileges?|privs|[a-z_]*grants|role_[a-z_]+|logins|sql_logins|user_mapping|[a-z_]*principals|role_members|permissions|default_acl|quotas|row_policies)$/;
const SERVER =
  /^g?v\$|(?:^|[._])(?:stat_[a-z_]+|settings|file_settings|hba_file_rules|processlist|processes|[a-z]+_log|threads|configurations|global_variables|variables|servers|clusters|dm_[a-z_]+|parameter|foreign_server)$/;
/** Of the rest, what drivers and mappers read to know how to read answers. */
const TYPES =
  /(?:^|\.)pg_(?:type|range|enum|namespace|class|attribute|attrdef|constraint|index|description|collation)$|\.types$/;

/** Found lately, by name: the same few are asked for at every event. */
const found = new Map<string, CatalogueKind | null>();
const FOUND_MAX = 4096;
/** An event's is asked for by several, one after the other. */
let lastTable = '';
let lastKind: CatalogueKind | null = null;

/** What kind of catalogue a table is of; `null` if it is anybody's data. @param table as normalisers name it */
export function catalogueKindOf(table: string): CatalogueKind | null {
  // Most tables by far.
  if (table.startsWith('public.')) return null;
  if (table === lastTable) return lastKind;
  let kind = found.get(table);
  if (kind === undefined) {
    if (found.size >= FOUND_MAX) found.clear();
    kind = findKind(table);
    found.set(table, kind);
  }
  lastTable = table;
  lastKind = kind;
  return kind;
}

function findKind(table: string): CatalogueKind | null {
  if (!CATALOGUE.test(table)) return null;
  if (ACCOUNTS.test(table)) return 'accounts';
  if (SERVER.test(table)) return 'server';
  return TYPES.test(table) ? 'types' : 'structure';
}
