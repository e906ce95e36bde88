package extract

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

func readHTML(_ context.Context, data []byte, name string) (title, body string, err error) {
	if name == "" && !utf8.Valid(data) {
		// A page may name its charset within itself.
		_, name, _ = charset.DetermineEncoding(data, "text/html")
	}
	if data, err = decode(data, name); err != nil {
		return "", "", err
	}
	title, body = fromHTML(data)
	return title, body, nil
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
