// Knex on pg: a table of its schema builder, queries, an upsert, and a transaction that loses at COMMIT.
import assert from 'node:assert/strict';
import { DsqlSigner } from '@aws-sdk/dsql-signer';
import Knex from 'knex';

const hostname = process.env.CLUSTER_ENDPOINT;
const signer = new DsqlSigner({ hostname, region: process.env.AWS_REGION });
const knex = Knex({
  client: 'pg',
  connection: async () => {
    const expires = Date.now() + 10 * 60_000;
    return {
      host: hostname,
      user: 'admin',
      password: await signer.getDbConnectAdminAuthToken(),
      database: 'postgres',
      ssl: true,
      expirationChecker: () => Date.now() > expires,
    };
  },
  pool: { min: 0, max: 4 },
});

await knex.schema.createTable('books', (table) => {
  table.uuid('id').primary().defaultTo(knex.raw('gen_random_uuid()'));
  table.string('title', 120).notNullable();
  table.integer('copies').notNullable().defaultTo(1);
});
const { rows: [{ job_id: job }] } = await knex.raw('CREATE UNIQUE INDEX ASYNC ON books (title)');
await knex.raw(`CALL sys.wait_for_job('${job}')`);
assert(await knex.schema.hasTable('books'));
assert(await knex.schema.hasColumn('books', 'copies'));

await knex('books').insert([{ title: 'One' }, { title: 'Two', copies: 5 }]);
await knex('books').insert({ title: 'One', copies: 3 }).onConflict('title').merge(['copies']);
assert.deepEqual(await knex('books').select('title', 'copies').orderBy('title'), [
  { title: 'One', copies: 3 },
  { title: 'Two', copies: 5 },
]);

const lend = knex('books').where({ title: 'One' });
await assert.rejects(
  knex.transaction(async (transaction) => {
    await lend.clone().transacting(transaction).decrement('copies');
    await lend.clone().decrement('copies');
  }),
  { code: '40001' },
);
await knex.transaction((transaction) => lend.clone().transacting(transaction).decrement('copies'));
assert.equal((await lend.clone().first('copies')).copies, 1);
await knex.schema.dropTable('books');
await knex.destroy();
