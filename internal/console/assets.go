package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets serves the stylesheet, the script and the pictures. All share one hash in their path, so that
// the stylesheet names its pictures by relative addresses and a browser may keep every file for ever.
type assets struct {
	files map[string][]byte
	base  string // "/assets/<hash>/"
}

func loadAssets() (assets, error) {
	a := assets{files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := assetFiles.ReadFile(p)
		if err != nil {
			return err
		}
		name := path.Base(p)
		a.files[name] = body
		fmt.Fprintf(sum, "%s %d\n", name, len(body))
		sum.Write(body)
		return nil
	})
	if err != nil {
		return assets{}, fmt.Errorf("read console assets: %w", err)
	}
	a.base = "/assets/" + hex.EncodeToString(sum.Sum(nil))[:16] + "/"
	return a, nil
}

// url is the address of a file. A name that is not embedded fails the page in tests, not a browser.
func (a assets) url(name string) (string, error) {
	if _, ok := a.files[name]; !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return a.base + name, nil
}

// ServeHTTP answers with a file under its present hash, and with 404 for any other address.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	name, ok := strings.CutPrefix(r.URL.Path, a.base)
	body, known := a.files[name]
	if !ok || !known {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", typeOf(name))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	// A picture opened by its own address is a document; it may run and load nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// typeOf names the media types we serve ourselves, since the host's table may differ.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}
