import { expect, it } from 'vitest';
import newNetwork from '../../detectors/new-network.ts';
import { createRecordView } from '../../src/baseline/record.ts';
import { describe as described } from '../../src/detect/describe.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';

it('what failed is new by another name: nobody makes another token share a thing by failing in its name', () => {
  const view = createRecordView(new ArrayBuffer(4096), 7);
  let offset = 0;
  const fields = Object.fromEntries(
    Object.entries(newNetwork.remembers).map(([name, field]) => {
      const opened = [name, field.open(view, offset)] as const;
      offset += Math.ceil(field.sizeBytes / 8) * 8;
      return opened;
    }),
  );
  const namesOf = (success: boolean | null) => {
    const event = { ...blankEvent('e', 't', 0), network: '203.0.113.0/24', success };
    const slot = { detector: newNetwork as never, fields, config: newNetwork.config.parse({}) };
    const failed = (_: string, cause: unknown) => {
      throw cause;
    };
    return described(slot, event, 3, undefined, failed).evidence[0]?.newNames;
  };
  expect(namesOf(true)).toEqual(['203.0.113.0/24']);
  expect(namesOf(null)).toEqual(['203.0.113.0/24']);
  expect(namesOf(false)).toEqual(['refused: 203.0.113.0/24']);
});
