package oauth

import (
	"bytes"
	"time"
)

func testTime() time.Time { return time.Unix(1_800_000_000, 0) }

func hasFileSecret(body []byte) bool {
	// An escaped name could spell it too.
	return bytes.Contains(body, []byte("SecretFile")) || bytes.Contains(body, []byte(`\u`))
}
