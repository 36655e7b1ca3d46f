// Payments between accounts: each is made once for its id, however often it is asked for.
import { AuroraDSQLPool } from '@aws/aurora-dsql-node-postgres-connector';
import pg from 'pg';

const ATTEMPTS = 4;

export class Refused extends Error {}
export class OutcomeUnknown extends Error {}

export const pool = new AuroraDSQLPool({
  host: process.env.CLUSTER_ENDPOINT,
  user: 'admin',
  max: 5,
  retry: { maxRetries: 5, baseDelayMs: 20 },
});
// A connection that ends while it is in use says so here, too: unheard, it would end the process.
pool.on('connect', (client) => client.on('error', () => {}));
pool.on('error', () => {});

// What lost to another transaction (40001) is made again by the pool. Where the connection is lost, the
// payment may have been made or not: its row tells the next attempt.
export async function pay(payment) {
  let unknown = false;
  let lost;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    let committing = false;
    try {
      return await pool.transaction(async (connection) => {
        committing = false;
        await payOnce(connection, payment);
        committing = true;
      });
    } catch (error) {
      if (error instanceof Refused || error instanceof pg.DatabaseError) {
        if (unknown) break; // the COMMIT that was not answered may yet be applied
        throw error;
      }
      unknown ||= committing;
      lost = error;
    }
  }
  throw unknown ? new OutcomeUnknown(payment.id, { cause: lost }) : lost;
}

async function payOnce(connection, { id, payer, payee, amount }) {
  const made = await connection.query(
    'INSERT INTO payments (id, payer, payee, amount) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING',
    [id, payer, payee, amount],
  );
  if (made.rowCount === 0) return;
  const debited = await connection.query(
    'UPDATE accounts SET balance = balance - $1 WHERE id = $2 AND balance >= $1', [amount, payer],
  );
  if (debited.rowCount === 0) throw new Refused(`${payer} does not have ${amount}`);
  await connection.query('UPDATE accounts SET balance = balance + $1 WHERE id = $2', [amount, payee]);
}
