package sqldbtest_test

import (
	"testing"

	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
)

func TestSQLite(t *testing.T) {
	sqldbtest.Run(t, func(t testing.TB) string { return sqldbtest.File(t) })
}
func TestPostgreSQL(t *testing.T) { sqldbtest.Run(t, sqldbtest.Postgres) }
