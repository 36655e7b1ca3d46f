import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { OutcomeUnknown, Refused, pay, pool } from './payments.js';

const [ada, bob] = [randomUUID(), randomUUID()];
const payment = (amount = 30) => ({ id: randomUUID(), payer: ada, payee: bob, amount });

// Puts a fault in force for a step, and returns how often it was met.
async function withFault(settings, step) {
  const faults = (...words) => execFileSync('dsql-local', ['faults', ...words], { encoding: 'utf8' }).trim();
  const id = faults('set', ...settings);
  try {
    await step();
    return Number(faults('count', id));
  } finally {
    faults('clear', id);
  }
}

async function balances() {
  const { rows } = await pool.query('SELECT id, balance FROM accounts');
  return [ada, bob].map((id) => Number(rows.find((row) => row.id === id).balance));
}

before(async () => {
  await pool.query('CREATE TABLE accounts (id uuid PRIMARY KEY, balance bigint NOT NULL)');
  await pool.query('CREATE TABLE payments (id uuid PRIMARY KEY, payer uuid, payee uuid, amount bigint CHECK (amount > 0))');
  await pool.query('INSERT INTO accounts VALUES ($1, 100), ($2, 100)', [ada, bob]);
});
beforeEach(() => pool.query('UPDATE accounts SET balance = 100'));
after(() => pool.end());

test('a payment is made once, however often it is asked for', async () => {
  const asked = payment();
  await pay(asked);
  await pay(asked);
  assert.deepEqual(await balances(), [70, 130]);
});

test('what is not there is not paid', async () => {
  await assert.rejects(pay(payment(1000)), Refused);
  assert.deepEqual(await balances(), [100, 100]);
});

test('a COMMIT that loses is made again', async () => {
  const times = await withFault(['conflict', '--times', '2', '--table', 'payments'], () => pay(payment()));
  assert.equal(times, 2);
  assert.deepEqual(await balances(), [70, 130]);
});

test('a COMMIT whose answer is lost pays once', async () => {
  assert.equal(await withFault(['lost-after-commit'], () => pay(payment())), 1);
  assert.deepEqual(await balances(), [70, 130]);
});

test('what cannot be known is said to be unknown', async () => {
  const asked = payment();
  await withFault(['lost-after-commit', '--times', '4'], () => assert.rejects(pay(asked), OutcomeUnknown));
  await pay(asked);
  assert.deepEqual(await balances(), [70, 130]);
});

test('a hundred at a time lose nothing', async () => {
  const both = [...Array(100).keys()].map((n) => (n % 2 ? payment(1) : { ...payment(1), payer: bob, payee: ada }));
  const [before] = (await pool.query('SELECT count(*)::int AS made FROM payments')).rows;
  const slow = await withFault(['slow', '--seconds', '0.01'], async () => {
    const done = await Promise.allSettled(both.map(pay));
    const paid = both.filter((_, n) => done[n].status === 'fulfilled');
    const gained = paid.filter(({ payee }) => payee === ada).length - paid.filter(({ payee }) => payee === bob).length;
    assert.deepEqual(await balances(), [100 + gained, 100 - gained]);
    const [after] = (await pool.query('SELECT count(*)::int AS made FROM payments')).rows;
    assert.equal(after.made - before.made, paid.length);
  });
  assert.ok(slow > 100, 'some lost to another and were made again');
});
