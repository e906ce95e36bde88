package demo

import (
	"fmt"
	"html"
	"strings"
)

// link replaces each [[id]] or [[id|words]] by what anchor makes of it, or by the words alone when
// there is no anchor, and returns the ids it met.
func (b *builder) link(text string, anchor func(url, words string) string) (string, []string, error) {
	var out strings.Builder
	var ids []string
	for {
		before, rest, found := strings.Cut(text, "[[")
		out.WriteString(before)
		if !found {
			return out.String(), ids, nil
		}
		inner, after, closed := strings.Cut(rest, "]]")
		id, words, given := strings.Cut(inner, "|")
		url, known := b.urls[id]
		if !closed || !known {
			return "", nil, fmt.Errorf("link to %q leads nowhere", id)
		}
		if !given {
			words = b.names[id]
			if isKey(id) {
				words = id
			}
			if anchor != nil {
				words = html.EscapeString(words)
			}
		}
		ids = add(ids, id)
		if anchor == nil {
			out.WriteString(words)
		} else {
			out.WriteString(anchor(url, words))
		}
		text = after
	}
}

// isKey reports whether people say the id itself, such as HW-2207, rather than the title.
func isKey(id string) bool { return id[0] >= 'A' && id[0] <= 'Z' }

// plain keeps the text as it was written and puts the addresses of its links below it.
func (b *builder) plain(text string) (string, []string, error) {
	out, ids, err := b.link(strings.ReplaceAll(text, "## ", ""), nil)
	if err != nil || len(ids) == 0 {
		return out, ids, err
	}
	out += "\n\nLinks:"
	for _, id := range ids {
		out += "\n" + b.urls[id]
	}
	return out, ids, nil
}

// html makes paragraphs, headings and lists of blocks that blank lines part.
func (b *builder) html(text string) (string, []string, error) {
	var out strings.Builder
	for block := range strings.SplitSeq(html.EscapeString(text), "\n\n") {
		block = strings.TrimSpace(block)
		if heading, ok := strings.CutPrefix(block, "## "); ok {
			heading, block, _ = strings.Cut(heading, "\n")
			out.WriteString("<h2>" + heading + "</h2>\n")
		}
		if block == "" {
			continue
		}
		lead, items, listed := strings.Cut("\n"+block, "\n- ")
		if lead = strings.TrimSpace(lead); lead != "" {
			out.WriteString("<p>" + strings.ReplaceAll(lead, "\n", "<br>\n") + "</p>\n")
		}
		if listed {
			out.WriteString("<ul>\n<li>" + strings.ReplaceAll(items, "\n- ", "</li>\n<li>") + "</li>\n</ul>\n")
		}
	}
	return b.link(out.String(), func(url, words string) string {
		return `<a href="` + url + `">` + words + `</a>`
	})
}
