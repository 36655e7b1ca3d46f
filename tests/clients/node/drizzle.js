// Drizzle on the connector's pool: queries, relations, and a transaction that loses at COMMIT.
import assert from 'node:assert/strict';
import { AuroraDSQLPool } from '@aws/aurora-dsql-node-postgres-connector';
import { eq, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { date, integer, pgTable, uuid, varchar } from 'drizzle-orm/pg-core';

const owner = pgTable('owner', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: varchar('name', { length: 30 }).notNull(),
  visits: integer('visits').notNull().default(0),
});
const pet = pgTable('pet', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: varchar('name', { length: 30 }).notNull(),
  born: date('born', { mode: 'string' }),
  ownerId: uuid('owner_id'),
});
const owners = relations(owner, ({ many }) => ({ pets: many(pet) }));
const pets = relations(pet, ({ one }) => ({ owner: one(owner, { fields: [pet.ownerId], references: [owner.id] }) }));

const pool = new AuroraDSQLPool({ host: process.env.CLUSTER_ENDPOINT, user: 'admin' });
const db = drizzle({ client: pool, schema: { owner, pet, owners, pets } });

await db.execute(sql`CREATE TABLE owner (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(30) NOT NULL, visits int NOT NULL DEFAULT 0)`);
await db.execute(sql`CREATE TABLE pet (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(30) NOT NULL, born date, owner_id uuid)`);
await db.execute(sql`CREATE INDEX ASYNC ON pet (owner_id)`);

const [john] = await db.insert(owner).values({ name: 'John' }).returning();
await db.insert(pet).values([{ name: 'Rex', born: '2020-05-15', ownerId: john.id }, { name: 'Tom', ownerId: john.id }]);
const found = await db.query.owner.findFirst({
  where: eq(owner.name, 'John'),
  with: { pets: { columns: { name: true, born: true }, orderBy: (row, { asc }) => asc(row.name) } },
});
assert.deepEqual(found.pets, [{ name: 'Rex', born: '2020-05-15' }, { name: 'Tom', born: null }]);

const visit = (session) => session.update(owner).set({ visits: sql`${owner.visits} + 1` }).where(eq(owner.id, john.id));
await assert.rejects(
  db.transaction(async (transaction) => {
    await visit(transaction);
    await visit(db);
  }),
  (error) => (error.cause ?? error).code === '40001',
);
await db.transaction(visit);
assert.deepEqual(await db.select({ visits: owner.visits }).from(owner), [{ visits: 2 }]);
await pool.end();
