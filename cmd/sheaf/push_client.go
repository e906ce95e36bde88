package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// pushClient speaks the part of the Indexing API that a push needs.
type pushClient struct {
	server, token string
	http          *http.Client
}

func newPushClient(server, token string) *pushClient {
	return &pushClient{strings.TrimSuffix(server, "/"), token, &http.Client{
		Timeout: 2 * time.Minute,
		// A redirect would carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ensureDatasource makes the datasource where there is none of that name.
func (c *pushClient) ensureDatasource(ctx context.Context, name string) error {
	status, _, err := c.post(ctx, "getdatasourceconfig", map[string]any{"datasource": name})
	if err == nil {
		return nil
	}
	if status != http.StatusNotFound && status != http.StatusBadRequest {
		return err
	}
	_, _, err = c.post(ctx, "adddatasource", map[string]any{
		"name": name, "displayName": strings.ToUpper(name[:1]) + name[1:], "datasourceCategory": "PUBLISHED_CONTENT", "urlRegex": ".*",
		"isUserReferencedByEmail": true,
		"objectDefinitions":       []map[string]any{{"name": "File", "docCategory": "PUBLISHED_CONTENT"}},
	})
	return err
}

// ensureUsers makes readers users of the datasource: permissions reach nobody else.
func (c *pushClient) ensureUsers(ctx context.Context, datasource string, users []userRef) error {
	for _, u := range users {
		_, _, err := c.post(ctx, "indexuser", map[string]any{"datasource": datasource, "user": map[string]any{"email": u.Email, "name": u.Email}})
		if err != nil {
			return err
		}
	}
	return nil
}

// refusedBody is how the server names the document of a batch whose body it cannot read.
var refusedBody = regexp.MustCompile(`^documents\[(\d+)\]\.body`)

// documents sends a batch. Where the server cannot read the body of one document, nothing of the batch is written, and it
// returns that document's place; otherwise -1.
func (c *pushClient) documents(ctx context.Context, datasource string, batch []item) (refused int, err error) {
	docs := make([]document, len(batch))
	for i := range batch {
		docs[i] = batch[i].encoded
	}
	status, answer, err := c.post(ctx, "indexdocuments", map[string]any{"datasource": datasource, "documents": docs})
	if m := refusedBody.FindStringSubmatch(answer); err != nil && m != nil && (status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge) {
		if n, bad := strconv.Atoi(m[1]); bad == nil && n < len(batch) {
			return n, err
		}
	}
	return -1, err
}

// tries is how often a request is sent while the server is busy or away.
const tries = 5

// post sends one request, and again after a while when the server says that this may help.
func (c *pushClient) post(ctx context.Context, operation string, body any) (status int, answer string, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	wait := 500 * time.Millisecond
	for try := 1; ; try++ {
		status, answer, err = c.once(ctx, operation, text)
		busy := err != nil && status == 0 || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
		if !busy || try == tries || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return status, answer, ctx.Err()
		}
		wait *= 2
	}
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s: the server answered %d: %s", operation, status, strings.TrimSpace(answer))
	}
	return status, answer, err
}

func (c *pushClient) once(ctx context.Context, operation string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/api/index/v1/"+operation, bytes.NewReader(body))
	if err != nil {
		return 0, "", usagef("--server: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("reach the server: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(answer), err
}
