package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
)

const customersSQL = `/* customers */ SELECT c.customer, c.user_id FROM customers c WHERE c.customer = ANY($1::text[])`

const addCustomersSQL = `/* add_customers */ INSERT INTO customers (customer)
SELECT v.customer FROM unnest($1::text[]) WITH ORDINALITY AS v(customer, n)
ORDER BY v.n
ON CONFLICT (customer) DO NOTHING
RETURNING customer, user_id`

const userIDsSQL = `/* user_ids */ SELECT nextval((SELECT pg_get_serial_sequence('customers', 'user_id')::regclass)) FROM generate_series(1, $1)`

const copyCustomersSQL = `COPY customers (user_id, customer) FROM STDIN`

// numbered gives every bill its customer's user id; the bills keep their order. Known customers are looked up before
// new ones are added, because an insert that finds a conflict uses up a number of the sequence.
func (s *session) numbered(ctx context.Context, bills []port.ImportedBill, insert inserting) ([]sealedBill, error) {
	names := each(bills, func(b *port.ImportedBill) string { return b.Customer })
	if slices.Contains(names, "") {
		return nil, s.fail(ctx, "store bills", fmt.Errorf("%w: a bill without a customer number", port.ErrInvalid))
	}
	slices.Sort(names) // two imports that add the same customers wait for each other in one order
	names = slices.Compact(names)
	users, added := make(map[string]int64, len(names)), make(map[string]int64, len(names))
	known := func(names []string) error { return s.numbers(ctx, "number customers", customersSQL, names, users) }
	steps := []func(names []string) error{
		known,
		func(names []string) error { return insert.customers(s, ctx, names, added) },
		known, // whom another import added meanwhile
	}
	for _, step := range steps {
		names = slices.DeleteFunc(names, func(name string) bool { return users[name]+added[name] != 0 })
		if len(names) == 0 {
			break
		}
		if err := step(names); err != nil {
			return nil, err
		}
	}
	return each(bills, func(b *port.ImportedBill) sealedBill {
		return sealedBill{ImportedBill: *b, user: users[b.Customer] + added[b.Customer], first: added[b.Customer] != 0}
	}), nil
}

func (s *session) insertCustomers(ctx context.Context, names []string, users map[string]int64) error {
	return s.numbers(ctx, "add customers", addCustomersSQL, names, users)
}

func (s *session) copyCustomers(ctx context.Context, names []string, users map[string]int64) error {
	ids := make([]int64, 0, len(names))
	err := s.query(ctx, "number customers", userIDsSQL, []any{len(names)}, func(scan func(...any) error) error {
		var user int64
		err := scan(&user)
		ids = append(ids, user)
		return err
	})
	if err != nil {
		return err
	}
	for i, name := range names {
		users[name] = ids[i]
	}
	return s.copyIn(ctx, "add customers", copyCustomersSQL, len(names), func(line *copyLine, i int) {
		line.number(ids[i])
		line.words(names[i])
	})
}

// numbers runs a statement that returns customers by name with their user ids.
func (s *session) numbers(ctx context.Context, what, statement string, names []string, into map[string]int64) error {
	return s.query(ctx, what, statement, []any{texts(names)}, func(scan func(...any) error) error {
		var name string
		var user int64
		err := scan(&name, &user)
		into[name] = user
		return err
	})
}
