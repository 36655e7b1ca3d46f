// pg with a token of @aws-sdk/dsql-signer: statements, prepared or not, types, and a conflict at COMMIT.
import assert from 'node:assert/strict';
import { DsqlSigner } from '@aws-sdk/dsql-signer';
import pg from 'pg';

const hostname = process.env.CLUSTER_ENDPOINT;
const signer = new DsqlSigner({ hostname, region: process.env.AWS_REGION });

async function connect() {
  const client = new pg.Client({
    host: hostname,
    port: 5432,
    user: 'admin',
    password: await signer.getDbConnectAdminAuthToken(),
    database: 'postgres',
    ssl: true,
  });
  await client.connect();
  return client;
}

const [one, other] = [await connect(), await connect()];
await one.query(
  'CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, price numeric(8, 2), at timestamptz)',
);
const at = new Date('2026-01-02T03:04:05Z');
for (const name of ['a', 'b']) {
  const insert = { name: 'insert', text: 'INSERT INTO things (name, price, at) VALUES ($1, $2, $3) RETURNING id' };
  const { rows } = await one.query({ ...insert, values: [name, 1.5, at] });
  assert.match(rows[0].id, /^[0-9a-f-]{36}$/);
}
const found = await other.query('SELECT name, price, at FROM things WHERE name = ANY($1) ORDER BY name', [['a', 'b']]);
assert.deepEqual(found.rows, ['a', 'b'].map((name) => ({ name, price: '1.50', at })));

for (const client of [one, other]) {
  await client.query('BEGIN');
  const { rowCount } = await client.query("UPDATE things SET price = price + 1 WHERE name = 'a'");
  assert.equal(rowCount, 1);
}
await one.query('COMMIT');
await assert.rejects(other.query('COMMIT'), { code: '40001' });
assert.deepEqual((await other.query("SELECT price FROM things WHERE name = 'a'")).rows, [{ price: '2.50' }]);
await Promise.all([one.end(), other.end()]);
