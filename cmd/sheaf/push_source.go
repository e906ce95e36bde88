package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of one file, in bytes. Text that is longer is seldom written by a person; a PDF holds pictures too.
const (
	maxPushFile   = 4 << 20
	maxPushBinary = 16 << 20
)

// document is one document of the Indexing API, encoded.
type document = jsontext.Value

type permissions struct {
	Everyone bool      `json:"allowAnonymousAccess,omitzero"`
	Users    []userRef `json:"allowedUsers,omitzero"`
}

type userRef struct {
	Email string `json:"email"`
}

type fileDocument struct {
	Datasource  string      `json:"datasource"`
	ObjectType  string      `json:"objectType"`
	ID          string      `json:"id"`
	Title       string      `json:"title,omitzero"`
	Filename    string      `json:"filename"`
	Container   string      `json:"container,omitzero"`
	ViewURL     string      `json:"viewURL"`
	Body        fileBody    `json:"body"`
	Permissions permissions `json:"permissions"`
	UpdatedAt   int64       `json:"updatedAt"`
}

type fileBody struct {
	MimeType      string `json:"mimeType"`
	TextContent   string `json:"textContent,omitzero"`
	BinaryContent []byte `json:"binaryContent,omitzero"` // in base64
}

// source reads documents out of paths.
type source struct {
	datasource string
	readers    permissions
	base       string
	skipped    map[string]int // by reason
}

// item is one document with the bytes that were read for it, and the name of its file where it is of one.
type item struct {
	encoded document
	read    int64
	name    string
}

var mediaOf = map[string]string{
	".txt": "text/plain", ".text": "text/plain", ".log": "text/plain", ".rst": "text/plain", ".adoc": "text/plain", ".org": "text/plain",
	".md": "text/markdown", ".markdown": "text/markdown", ".html": "text/html", ".htm": "text/html",
	".pdf": "application/pdf", ".rtf": "application/rtf",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text",
	".ods":  "application/vnd.oasis.opendocument.spreadsheet",
	".odp":  "application/vnd.oasis.opendocument.presentation",
}

// isBinary reports whether files of a media type go to the server as bytes, which it takes apart.
func isBinary(media string) bool { return !strings.HasPrefix(media, "text/") }

// survey adds up the bytes that will be read, and fails on a path that cannot be.
func (s *source) survey(paths []string) (total int64, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if skipDir(path, name, d) {
				return fs.SkipDir
			}
			info, err := d.Info()
			if err == nil && info.Mode().IsRegular() && (mediaOf[ext(name)] != "" || isJSONL(name)) {
				total += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return total, nil
}

func ext(name string) string    { return strings.ToLower(filepath.Ext(name)) }
func isJSONL(name string) bool  { return ext(name) == ".jsonl" }
func isHidden(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") }

// skipDir leaves out folders that hold tools' own files. The path that was asked for is read whatever its name.
func skipDir(root, name string, d fs.DirEntry) bool {
	return d.IsDir() && name != root && (isHidden(name) || d.Name() == "node_modules")
}

// documents yields the documents of all paths, until one cannot be read.
func (s *source) documents(paths []string) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for _, path := range paths {
			if isJSONL(path) {
				if !s.lines(path, yield) {
					return
				}
				continue
			}
			if err := s.folder(path, yield); err != nil {
				if !errors.Is(err, fs.SkipAll) {
					yield(item{}, err)
				}
				return
			}
		}
	}
}

func (s *source) folder(root string, yield func(item, error) bool) error {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	stopped := false
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if skipDir(root, name, d) {
			return fs.SkipDir
		}
		if d.IsDir() || isHidden(name) && name != root {
			return nil
		}
		if !d.Type().IsRegular() || mediaOf[ext(name)] == "" {
			s.skipped["not a text, Markdown, HTML, PDF or Office file"]++
			return nil
		}
		it, err := s.file(root, absolute, name)
		if err != nil || it.encoded == nil {
			return err
		}
		if !yield(it, nil) {
			stopped = true
			return fs.SkipAll
		}
		return nil
	})
	if stopped {
		return fs.SkipAll
	}
	return err
}

// file makes a document of one file; its id is the path within the folder.
func (s *source) file(root, absolute, name string) (item, error) {
	info, err := os.Stat(name)
	if err != nil {
		return item{}, err
	}
	media := mediaOf[ext(name)]
	most := int64(maxPushFile)
	if isBinary(media) {
		most = maxPushBinary
	}
	if info.Size() > most {
		s.skipped[fmt.Sprintf("larger than %d MiB", most>>20)]++
		return item{}, nil
	}
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return item{}, err
	}
	if !isBinary(media) && (!utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0) {
		s.skipped["not UTF-8 text"]++
		return item{}, nil
	}
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return item{}, err
	}
	if relative == "." {
		relative = filepath.Base(name)
		absolute = filepath.Dir(absolute)
	}
	relative = filepath.ToSlash(relative)
	if len(relative) > 200 {
		s.skipped["a path longer than the 200 characters of a document id"]++
		return item{}, nil
	}
	doc := fileDocument{
		Datasource: s.datasource, ObjectType: "File", ID: relative, Filename: filepath.Base(name),
		ViewURL: s.viewURL(absolute, relative), Body: fileBody{MimeType: media}, Permissions: s.readers, UpdatedAt: info.ModTime().Unix(),
	}
	if isBinary(media) {
		doc.Body.BinaryContent = text // the server finds the title in it, or takes the file's name
	} else {
		doc.Body.TextContent, doc.Title = string(text), titleOf(media, string(text), relative)
	}
	if dir := filepath.ToSlash(filepath.Dir(filepath.FromSlash(relative))); dir != "." {
		doc.Container = dir
	}
	encoded, err := json.Marshal(doc)
	return item{encoded, info.Size(), relative}, err
}

func (s *source) viewURL(absolute, relative string) string {
	if s.base != "" {
		return strings.TrimSuffix(s.base, "/") + "/" + (&url.URL{Path: relative}).EscapedPath()
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(absolute, filepath.FromSlash(relative)))}).String()
}

// titleOf is a Markdown file's first heading, else the file's name without its ending. HTML names itself: the server
// reads its title.
func titleOf(media, text, relative string) string {
	switch {
	case media == "text/html" && strings.Contains(strings.ToLower(text), "<title"):
		return ""
	case media == "text/markdown":
		for line := range strings.Lines(text) {
			if heading, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok && heading != "" {
				return strings.TrimSpace(heading)
			}
		}
	}
	name := filepath.Base(filepath.FromSlash(relative))
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// lines yields the documents of a JSONL file. It returns false when the reader has had enough or a line is wrong.
func (s *source) lines(path string, yield func(item, error) bool) bool {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return yield(item{}, err) && false
	}
	defer func() { _ = f.Close() }()
	in := jsontext.NewDecoder(f)
	for n := 1; ; n++ {
		value, err := in.ReadValue()
		if errors.Is(err, io.EOF) {
			return true
		}
		var fields map[string]jsontext.Value
		if err == nil {
			err = json.Unmarshal(value, &fields)
		}
		if err == nil && fields == nil {
			err = errors.New("null is no document")
		}
		if err != nil {
			yield(item{}, fmt.Errorf("%s: document %d: %w", path, n, err))
			return false
		}
		read := int64(len(value))
		fields["datasource"] = jsontext.Value(`"` + s.datasource + `"`)
		if _, own := fields["permissions"]; !own {
			if fields["permissions"], err = json.Marshal(s.readers); err != nil {
				return yield(item{}, err) && false
			}
		}
		encoded, err := json.Marshal(fields)
		if !yield(item{encoded: encoded, read: read}, err) || err != nil {
			return false
		}
	}
}
