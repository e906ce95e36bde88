package sqldb

import (
	"database/sql/driver"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// arguments brings the parameters of a statement to the few types that both drivers treat alike,
// and refuses what the engines would store differently: NUL in text, bad UTF-8, numbers that are
// none. It copies args before it changes any.
func arguments(args []any) ([]any, error) {
	copied := false
	for i, a := range args {
		v, err := argument(a)
		if err != nil {
			return nil, fmt.Errorf("parameter $%d: %w", i+1, err)
		}
		if same(a, v) {
			continue
		}
		if !copied {
			args, copied = append([]any(nil), args...), true
		}
		args[i] = v
	}
	return args, nil
}

// same says whether argument left a as it was. It avoids comparing values: slices cannot be.
func same(a, v any) bool {
	switch a.(type) {
	case nil, int64, bool, string, float64, []byte:
		return v != nil || a == nil
	}
	return false
}

func argument(a any) (any, error) {
	switch a := a.(type) {
	case nil, int64, bool:
		return a, nil
	case []byte:
		if a == nil {
			return nil, nil
		}
		return a, nil
	case int:
		return int64(a), nil
	case string:
		return a, text(a)
	case float64:
		return a, number(a)
	case driver.Valuer:
		if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
			return nil, nil
		}
		v, err := a.Value()
		if err != nil {
			return nil, err
		}
		if _, again := v.(driver.Valuer); again {
			return nil, fmt.Errorf("sqldb: %T is no parameter", a)
		}
		return argument(v)
	}
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return argument(v.Elem().Interface())
	case reflect.String:
		s := v.String()
		return s, text(s)
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if v.Type().PkgPath() == "time" {
			break // a time.Duration or time.Month says nothing of its unit: the caller converts
		}
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u <= math.MaxInt64 {
			return int64(u), nil
		}
		return nil, fault.New(fault.Invalid, "A number is too large.")
	case reflect.Float32, reflect.Float64:
		return v.Float(), number(v.Float())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.IsNil() {
				return nil, nil
			}
			return v.Bytes(), nil
		}
	}
	return nil, fmt.Errorf("sqldb: %T is no parameter", a)
}

// text refuses what PostgreSQL cannot store and SQLite would cut or garble.
func text(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return fault.New(fault.Invalid, "Text must be valid UTF-8 without NUL characters.")
	}
	return nil
}

func number(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fault.New(fault.Invalid, "A number is not finite.")
	}
	return nil
}
