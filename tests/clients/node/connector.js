// @aws/aurora-dsql-node-postgres-connector: a client, a pool, and the retry of a transaction that lost.
import assert from 'node:assert/strict';
import { AuroraDSQLClient, AuroraDSQLPool } from '@aws/aurora-dsql-node-postgres-connector';

const cluster = { host: process.env.CLUSTER_ENDPOINT, user: 'admin' };
const debit = 'UPDATE accounts SET balance = balance - $1 WHERE id = 1';

const client = new AuroraDSQLClient(cluster);
await client.connect();
await client.query('CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)');
await client.query('INSERT INTO accounts VALUES (1, 100)');

const pool = new AuroraDSQLPool({ ...cluster, max: 3, retry: { maxRetries: 5 } });
let attempts = 0;
await pool.transaction(async (connection) => {
  attempts += 1;
  await connection.query(debit, [1]);
  if (attempts === 1) await client.query(debit, [10]);
});
assert.equal(attempts, 2);

await assert.rejects(
  pool.transaction(async (connection) => {
    await connection.query(debit, [1]);
    await client.query(debit, [10]);
  }, { maxRetries: 0 }),
  (error) => error.code === '40001' && error.message.includes('(OC000)'),
);
const { rows } = await pool.query('SELECT balance FROM accounts');
assert.deepEqual(rows, [{ balance: 79 }]);
await pool.end();
await client.end();
