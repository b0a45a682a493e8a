import { openClickHouse } from '../../src/store/connection.ts';

// Prints what an archive in a folder holds, as JSON. A process of its own, since one engine a process is all there can be.

const store = await openClickHouse({ folder: process.argv[2] ?? '' });
const one = async (statement: string) => (await store.query<Record<string, number>>(statement))[0];
const counts = {
  ...(await one('SELECT count() AS events, uniqExact(log_partition, log_offset) AS distinctEvents FROM events')),
  ...(await one(
    'SELECT count() AS findings, uniqExact(assessment_id, id) AS distinctFindings, uniqExact(assessment_id) AS assessments FROM findings FINAL',
  )),
  ...(await one('SELECT count() AS deliveries, uniqExact(revision, action_id) AS distinctDeliveries FROM deliveries')),
};
await store.close();
console.log(JSON.stringify(counts));
