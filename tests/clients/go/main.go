// pgx and its pool: statements that it prepares by itself, a batch, and a transaction that is run again where it lost.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const debit = "UPDATE accounts SET balance = balance - $1 WHERE id = $2"

func main() {
	url := fmt.Sprintf("host=%s port=5432 user=admin dbname=postgres sslmode=verify-full", os.Getenv("CLUSTER_ENDPOINT"))
	if err := run(context.Background(), url); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string) error {
	pool, err := pgxpool.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)"); err != nil {
		return err
	}
	if err := fill(ctx, pool); err != nil {
		return err
	}
	return contested(ctx, pool)
}

// fill inserts three accounts in one batch, and reads them back.
func fill(ctx context.Context, pool *pgxpool.Pool) error {
	batch := &pgx.Batch{}
	for id := 1; id <= 3; id++ {
		batch.Queue("INSERT INTO accounts VALUES ($1, $2)", id, 100*id)
	}
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	var sum int
	if err := pool.QueryRow(ctx, "SELECT sum(balance) FROM accounts WHERE id = ANY ($1)", []int{1, 3}).Scan(&sum); err != nil {
		return err
	}
	return same("sum", 400, sum)
}

// contested loses its first attempt to another connection's debit, and is run again.
func contested(ctx context.Context, pool *pgxpool.Pool) error {
	attempts := 0
	attempt := func(tx pgx.Tx) error {
		attempts++
		if _, err := tx.Exec(ctx, debit, 1, 1); err != nil {
			return err
		}
		if attempts > 1 {
			return nil
		}
		_, err := pool.Exec(ctx, debit, 10, 1)
		return err
	}
	err := pool.BeginFunc(ctx, attempt)
	var lost *pgconn.PgError
	if !errors.As(err, &lost) || lost.Code != "40001" {
		return fmt.Errorf("COMMIT did not lose: %v", err)
	}
	if err := pool.BeginFunc(ctx, attempt); err != nil {
		return err
	}
	var balance int
	if err := pool.QueryRow(ctx, "SELECT balance FROM accounts WHERE id = $1", 1).Scan(&balance); err != nil {
		return err
	}
	return same("balance", 89, balance)
}

func same(what string, expected, found int) error {
	if expected != found {
		return fmt.Errorf("%s: expected %d, found %d", what, expected, found)
	}
	return nil
}
