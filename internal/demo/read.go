package demo

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data
var data embed.FS

// record is one document as a data file has it: a headline, a body, remarks.
//
//	# id | title | container | author>owner | created updated | readers | status, k=v, #tag
//	Paragraphs, "## heading", "- item", [[id]] or [[id|words]] for a link, {-40} for a date.
//	> name +3: a comment, three days after the creation
//
// People are named by the part of their address before the dot. Readers are separated by commas:
// all, public, none, @name, a group, or group&group for an intersection.
type record struct {
	id, title, container string
	author, owner        string
	created, updated     int // days before now
	readers              []string
	status               string
	kind                 string // of type=…; empty for the datasource's first
	properties           [][2]string
	tags                 []string
	body                 string
	remarks              []remark
}

type remark struct {
	author, text string
	after        int // days after created
}

// records reads one data file of documents.
func records(file string) ([]record, error) {
	text, err := data.ReadFile("data/" + file)
	if err != nil {
		return nil, fmt.Errorf("read sample data: %w", err)
	}
	var out []record
	for block := range strings.SplitSeq("\n"+strings.TrimSpace(string(text)), "\n# ") {
		if strings.TrimSpace(block) == "" {
			continue
		}
		head, rest, _ := strings.Cut(block, "\n")
		r, err := headline(head)
		if err == nil {
			err = r.content(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, head, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func headline(line string) (record, error) {
	f := fields(line)
	if len(f) != 7 {
		return record{}, fmt.Errorf("%d fields, want 7", len(f))
	}
	r := record{id: f[0], title: f[1], container: f[2]}
	r.author, r.owner, _ = strings.Cut(f[3], ">")
	if r.owner == "" {
		r.owner = r.author
	}
	if _, err := fmt.Sscanf(f[4], "%d %d", &r.created, &r.updated); err != nil {
		return record{}, fmt.Errorf("days %q, want created and updated", f[4])
	}
	r.readers = list(f[5])
	for _, extra := range list(f[6]) {
		name, value, pair := strings.Cut(extra, "=")
		switch {
		case strings.HasPrefix(extra, "#"):
			r.tags = append(r.tags, extra[1:])
		case pair && name == "type":
			r.kind = value
		case pair:
			r.properties = append(r.properties, [2]string{name, value})
		default:
			r.status = extra
		}
	}
	return r, nil
}

// content takes the lines below the headline: remarks start with ">", all else is body.
func (r *record) content(text string) error {
	var body []string
	for line := range strings.SplitSeq(text, "\n") {
		said, ok := strings.CutPrefix(line, "> ")
		if !ok {
			body = append(body, line)
			continue
		}
		head, words, _ := strings.Cut(said, ": ")
		who, days, _ := strings.Cut(head, " +")
		n, err := strconv.Atoi(days)
		if err != nil || words == "" {
			return fmt.Errorf("remark %.30q, want name +days: text", line)
		}
		r.remarks = append(r.remarks, remark{author: who, text: words, after: n})
	}
	r.body = strings.TrimSpace(strings.Join(body, "\n"))
	return nil
}

// table reads a data file of lines with columns; lines that start with # are notes.
func table(file string, columns int) ([][]string, error) {
	text, err := data.ReadFile("data/" + file)
	if err != nil {
		return nil, fmt.Errorf("read sample data: %w", err)
	}
	var rows [][]string
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := fields(line)
		if len(row) != columns {
			return nil, fmt.Errorf("%s: %q has %d columns, want %d", file, line, len(row), columns)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func fields(line string) []string {
	f := strings.Split(line, "|")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f
}

func list(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
