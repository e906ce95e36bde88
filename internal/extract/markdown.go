package extract

import (
	"bytes"
	"context"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gtext "github.com/yuin/goldmark/text"
)

// Bounds of what is parsed as Markdown. Beyond them the text is taken with its marks, as its author sees it: the parser's time and stack grow faster
// than the text where marks nest.
const (
	maxMarkdown = 1 << 20 // bytes
	maxNested   = 64      // marks that open a block, or brackets, in one line
	maxMarks    = 8192    // brackets, and marks within the text, in lines without an empty one between: a paragraph ends there at the latest
)

func readMarkdown(_ context.Context, data []byte, charset string) (title, body string, err error) {
	if data, err = decode(data, charset); err != nil {
		return "", "", err
	}
	if len(data) > maxMarkdown || nested(data) {
		return "", string(data), nil
	}
	title, body = fromMarkdown(data)
	return title, body, nil
}

// nested reports whether a line or paragraph has more marks than people write.
func nested(data []byte) bool {
	marks := 0
	for line := range bytes.Lines(data) {
		if len(bytes.TrimSpace(line)) == 0 {
			marks = 0
		}
		brackets := bytes.Count(line, []byte("["))
		if marks += brackets + bytes.Count(line, []byte("*")) + bytes.Count(line, []byte("_")) + bytes.Count(line, []byte("`")); marks > maxMarks {
			return true
		}
		begin := len(line) - len(bytes.TrimLeft(line, " \t>*+-0123456789.)"))
		blocks := begin - bytes.Count(line[:begin], []byte(" ")) - bytes.Count(line[:begin], []byte("\t")) // a rule of dashes opens none, and is short
		if blocks > maxNested && bytes.ContainsAny(line[:begin], ">*+.)") || brackets > 8*maxNested {
			return true
		}
	}
	return false
}

// fromMarkdown gives the first heading as the title. It stays in the text, as a reader sees it there.
func fromMarkdown(content []byte) (title, body string) {
	root := goldmark.DefaultParser().Parse(gtext.NewReader(content))
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
