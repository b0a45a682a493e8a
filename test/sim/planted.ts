/** A piece of the sources, replaced. */
export interface Edit {
  readonly file: string;
  /** Must stand there, once: else the plant has grown old. `all`: wherever it stands. */
  readonly find: string;
  readonly replace: string;
  readonly all?: true;
}

/** A bug of a kind that such systems have had, with the invariant that shows it. */
export interface PlantedBug {
  readonly title: string;
  readonly edits: readonly Edit[];
  /** Any of these invariants. */
  readonly caughtBy: readonly string[];
}

const DETECT = 'src/pipeline/detect.ts';
const RESPOND = 'src/pipeline/respond.ts';
const COLLECT = 'src/pipeline/collect.ts';
const ARCHIVE = 'src/pipeline/archive.ts';
const CHECKPOINT_LEASE = `  const { topicPartition, position, engine, marks } = part;
  if (!part.lease.valid()) return;
`;

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    title: 'the position is committed before the checkpoint',
    edits: [
      {
        file: DETECT,
        find: `  await appendBaselines(log, part, changed);
  if (!part.lease.valid()) return;
  const kept = await ifOwned(() => member.commit(topicPartition, { offset: position, metadata: '' }));
`,
        replace: `  const kept = await ifOwned(() => member.commit(topicPartition, { offset: position, metadata: '' }));
  if (!part.lease.valid()) return;
  await appendBaselines(log, part, changed);
`,
      },
    ],
    caughtBy: ['durability', 'baselines'],
  },
  {
    title: 'the stamp is not looked at',
    edits: [{ file: 'src/detect/engine.ts', find: 'if (offset <= header.stamp) {', replace: 'if (offset < -1) {' }],
    caughtBy: ['baselines', 'findings'],
  },
  {
    title: 'the lease is not looked at',
    edits: [{ file: DETECT, find: '!part.lease.valid()', replace: 'false', all: true }],
    caughtBy: ['owners'],
  },
  {
    title: 'the last checkpoint is made after leaving the group',
    edits: [
      { file: DETECT, find: CHECKPOINT_LEASE, replace: CHECKPOINT_LEASE.replace('!part.lease.valid()', 'false') },
      {
        file: DETECT,
        find: `      owned.delete(partition);
      const member = await joining;
      if (part) await part.serial(() => checkpoint(options, part, member));
`,
        replace: '      void part;\n',
      },
      {
        file: DETECT,
        find: '      await member.stop();\n',
        replace: `      await member.stop();
      for (const part of owned.values()) await checkpoint(options, part, member);
`,
      },
      {
        file: DETECT,
        find: 'if (records.length === 0 || !part.lease.valid()) return;',
        replace: 'if (records.length === 0) return;',
      },
    ],
    caughtBy: ['owners'],
  },
  {
    title: "a dead letter's acknowledgement is not waited for",
    edits: [
      {
        file: COLLECT,
        find: 'deadLetters.length > 0 ? log.append(TOPICS.deadLetters, deadLetters) : undefined,',
        replace: 'void (deadLetters.length > 0 && log.append(TOPICS.deadLetters, deadLetters).catch(() => undefined)),',
      },
    ],
    caughtBy: ['durability', 'accounting'],
  },
  {
    title: 'an action is tried before it is recorded',
    edits: [
      {
        file: RESPOND,
        find: '    await this.#options.log.append(TOPICS.ledger, records);\n    const fresh',
        replace: `    for (const { actions } of decisions)
      for (const entry of actions) if (entry.state === 'approved' && entry.attemptCount === 0) this.#dispatch(entry);
    await this.#options.log.append(TOPICS.ledger, records);
    const fresh`,
      },
    ],
    caughtBy: ['decisions', 'bodies', 'budget'],
  },
  {
    title: "a finding's acknowledgement is not waited for",
    edits: [
      {
        file: DETECT,
        find: 'if (findings.length > 0) await log.append(TOPICS.findings, findings);',
        replace: 'if (findings.length > 0) void log.append(TOPICS.findings, findings).catch(() => undefined);',
      },
    ],
    caughtBy: ['durability', 'findings'],
  },
  {
    title: 'what a responder wrote after its term counts',
    edits: [
      {
        file: 'src/pipeline/ledger.ts',
        find: 'isVoid: record.term !== this.#term',
        replace: 'isVoid: false',
      },
    ],
    caughtBy: ['decisions', 'bodies', 'budget', 'verdicts'],
  },
  {
    title: 'a second copy of an event is learned',
    edits: [
      {
        file: DETECT,
        find: 'if (part.marks.repeats(event)) {',
        replace: 'if (part.marks.repeats(event) && Number.isNaN(record.offset)) {',
      },
    ],
    caughtBy: ['baselines', 'findings'],
  },
  {
    title: 'a late record of a lost owner is restored',
    edits: [
      {
        file: 'src/detect/engine.ts',
        find: 'if (before && this.#header.stamp < stampNow) {',
        replace: 'if (before && this.#header.stamp < -1) {',
      },
    ],
    caughtBy: ['baselines'],
  },
  {
    title: 'an insert is not announced',
    edits: [
      {
        file: ARCHIVE,
        find: 'metadata: `insert ${first}-${last} ${token}` });',
        replace: "metadata: '' });",
      },
    ],
    caughtBy: ['archive'],
  },
  {
    title: 'the budget forgets what was approved',
    edits: [
      {
        file: 'src/decide/responder.ts',
        find: 'approvedAt: this.#actions.spentAt(),',
        replace: 'approvedAt: this.#actions.spentAt().slice(0, 1),',
      },
    ],
    caughtBy: ['budget'],
  },
  {
    title: 'what tokens share is forgotten at a restart',
    edits: [
      {
        file: 'src/decide/responder.ts',
        find: '    this.#keepAlert(entry);\n    if (isSuspect(',
        replace: '    this.#alerts.set(entry.alert.id, entry);\n    if (isSuspect(',
      },
    ],
    caughtBy: ['fleetAlerts', 'decisions'],
  },
  {
    title: 'a gap is passed over in silence',
    edits: [{ file: DETECT, find: "'events were deleted before they were read: baselines have a gap'", replace: "''" }],
    caughtBy: ['gaps'],
  },
  {
    title: 'a standby takes over without reading what was written last',
    edits: [
      {
        file: 'src/pipeline/standby.ts',
        find: '    await reader.readOn(this.#options.log);\n',
        replace: '    if (reader.layouts.size === 0) await reader.readOn(this.#options.log);\n',
      },
    ],
    caughtBy: ['baselines', 'findings'],
  },
  {
    title: 'what tokens have in common is written before their records',
    edits: [
      {
        file: 'src/pipeline/baselines.ts',
        find: 'if (fleet !== undefined) records.push({ key: FLEET_KEY, value: fleet, partition });',
        replace: 'if (fleet !== undefined) records.unshift({ key: FLEET_KEY, value: fleet, partition });',
      },
    ],
    caughtBy: ['baselines', 'findings'],
  },
  {
    title: 'a day of the fleet ends without being written',
    edits: [
      {
        file: DETECT,
        find: '    if (part.engine.fleet.isDayOver(event, record.offset, record.appendedAt)) {',
        replace: '    if (record.offset < 0) {',
      },
    ],
    caughtBy: ['baselines', 'findings'],
  },
  {
    title: 'the ledger has a verdict before it is passed on',
    edits: [
      {
        file: RESPOND,
        find: '    await this.#teach(decisions);\n    if (!this.lease.valid()) return;\n',
        replace: '',
      },
      {
        file: RESPOND,
        find: '    await this.#options.log.append(TOPICS.ledger, records);\n    const fresh',
        replace: `    await this.#options.log.append(TOPICS.ledger, records);
    await this.#teach(decisions);
    const fresh`,
      },
    ],
    caughtBy: ['durability', 'verdicts'],
  },
  {
    title: 'a report of a leak is dropped where nothing is known of the token yet',
    edits: [
      {
        file: 'src/detect/engine.ts',
        find: 'precedesEvents(aside) ? this.#admit(token, offset) : this.#slab.find(token)',
        replace: 'this.#slab.find(token)',
      },
    ],
    caughtBy: ['leaks'],
  },
  {
    title: 'what a leaked token did before the report is told of',
    edits: [{ file: 'detectors/leaked-report.ts', find: 'event.at > since && ', replace: '' }],
    caughtBy: ['leaks'],
  },
  {
    title: 'a rollback that was sent twice is done twice',
    edits: [
      {
        file: 'src/detect/rollback.ts',
        find: "  if (rollback.at <= rolledBack.at) return 'repeated';\n",
        replace: '',
      },
    ],
    caughtBy: ['baselines', 'findings', 'decisions'],
  },
  {
    title: 'a rollback leaves no stamp',
    edits: [
      {
        file: 'src/detect/engine.ts',
        find: '    this.#header.stamp = offset;\n    this.#dirty.add(slot);\n    return outcome;',
        replace: '    this.#dirty.add(slot);\n    return outcome;',
      },
    ],
    caughtBy: ['durability', 'baselines'],
  },
];

/** Makes an edit in a file's text. @throws when its place is not there, or there are several: the plant has grown old */
export function plant(text: string, { file, find, replace, all }: Edit): string {
  const count = text.split(find).length - 1;
  if (count === 0 || (count > 1 && !all)) throw new Error(`${file} has this ${count} times: ${find}`);
  return text.replaceAll(find, () => replace);
}
