package corpus

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// Text is what a reader sees of some content.
type Text struct {
	MimeType string // without parameters, in lower case
	Title    string // what the content itself gives as its title; may be ""
	Text     string
}

// Extract takes the readable text out of content: text/plain as it stands, text/html and
// text/markdown without their marks. Other types are a fault.Invalid that names those that work.
func Extract(mimeType string, content []byte) (Text, error) {
	media, params, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return Text{}, invalid("mimeType", "Content needs a mimeType such as text/plain.")
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return Text{}, invalid("mimeType", "Content is taken in UTF-8 only.")
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		return Text{}, invalid("mimeType", "The content is not valid UTF-8.")
	}
	if len(content) > maxContent {
		return Text{}, fault.Newf(fault.TooLarge, "Content has at most %d bytes.", maxContent)
	}
	t := Text{MimeType: media}
	switch media {
	case "text/plain":
		t.Text = string(content)
	case "text/html", "application/xhtml+xml":
		t.Title, t.Text = fromHTML(content)
	case "text/markdown", "text/x-markdown":
		t.Title, t.Text = fromMarkdown(content)
	default:
		return Text{}, invalid("mimeType", "Content of type %s is not supported. Send text/plain, text/html or text/markdown.", media)
	}
	// A NUL says nothing to a reader, and no database keeps it.
	t.Text = strings.TrimSpace(strings.ReplaceAll(t.Text, "\x00", ""))
	t.Title = oneLine(t.Title)
	return t, nil
}

// maxContent bounds content before its marks are taken away.
const maxContent = 32 << 20

// oneLine makes a title of some text: one line, cut at the bound of titles.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "\x00", "")), " ")
	for len(s) > MaxTitle {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// silent elements hold nothing that is read, and block elements end a line.
func silent(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Object, atom.Svg, atom.Title:
		return true
	}
	return false
}

func block(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Br, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Blockquote, atom.Pre, atom.Dt, atom.Dd, atom.Hr, atom.Main:
		return true
	}
	return false
}

// fromHTML walks the tokens rather than a tree, so that depth costs nothing.
func fromHTML(content []byte) (title, body string) {
	var out, name strings.Builder
	z := html.NewTokenizer(bytes.NewReader(content))
	var skip atom.Atom // the silent element that we are in
	depth := 0
	inTitle := false
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind == html.TextToken {
			switch {
			case inTitle:
				name.Write(z.Text())
			case skip == 0:
				out.Write(z.Text())
			}
			continue
		}
		tag, _ := z.TagName()
		a := atom.Lookup(tag)
		if a == atom.Title {
			inTitle = kind == html.StartTagToken && skip == 0 && name.Len() == 0
		}
		switch {
		case skip == 0 && kind == html.StartTagToken && silent(a):
			skip, depth = a, 1
		case a == skip && skip != 0 && kind == html.StartTagToken:
			depth++
		case a == skip && skip != 0 && kind == html.EndTagToken:
			if depth--; depth == 0 {
				skip = 0
			}
		case skip == 0 && block(a):
			out.WriteByte('\n')
		case skip == 0 && (a == atom.Td || a == atom.Th):
			out.WriteByte(' ')
		}
	}
	return name.String(), tidy(out.String())
}

// tidy joins the spaces of each line and drops empty lines.
func tidy(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for line := range strings.Lines(s) {
		if words := strings.Fields(line); len(words) > 0 {
			out.WriteString(strings.Join(words, " "))
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// fromMarkdown gives the first heading as the title. It stays in the text, as a reader sees it there.
func fromMarkdown(content []byte) (title, body string) {
	root := goldmark.DefaultParser().Parse(text.NewReader(content))
	var out strings.Builder
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below never fails
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				out.Write(n.Segment.Value(content))
				if n.SoftLineBreak() || n.HardLineBreak() {
					out.WriteByte('\n')
				}
			}
		case *ast.String:
			if entering {
				out.Write(n.Value)
			}
		case *ast.AutoLink:
			if entering {
				out.Write(n.Label(content))
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if entering {
				for i := range n.Lines().Len() {
					line := n.Lines().At(i)
					out.Write(line.Value(content))
				}
			}
		case *ast.RawHTML, *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		default:
			if !entering && n.Type() == ast.TypeBlock {
				if _, ok := n.(*ast.Heading); ok && title == "" {
					title = lastLine(out.String())
				}
				out.WriteByte('\n')
			}
		}
		return ast.WalkContinue, nil
	})
	return title, tidy(out.String())
}

func lastLine(s string) string {
	s = strings.TrimRight(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}
