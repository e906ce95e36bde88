package search

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/query"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// spell looks for words that stand in no document that the caller may see, and near ones that do. Only the words wished for count:
// what stands in quotes, behind a minus or before a star is meant as it is.
func (q *question) spell(ctx context.Context, reader *index.Reader, found index.Result) error {
	if q.req.NoSpellcheck || q.options.NoSpellcheck || !q.first() || !q.wantsSpelling() {
		return nil
	}
	at := make([]int, 0, len(q.words))
	words := make([]string, 0, len(q.words))
	for i, n := range q.words {
		if w, ok := n.(query.Word); ok && len(words) < index.MaxSpell && !q.isName(string(w)) && !marked(found.Hits, string(w)) {
			at, words = append(at, i), append(words, string(w))
		}
	}
	if len(words) == 0 {
		return nil
	}
	spelt, err := reader.Spell(ctx, index.SpellQuery{Words: words, Languages: q.ask.Languages, Corrections: 1})
	if err != nil {
		return err
	}
	for i, s := range spelt {
		if s.Known || len(s.Corrections) == 0 {
			continue
		}
		if q.corrected == nil {
			q.corrected = slices.Clone(q.words)
		}
		word := query.Word(s.Corrections[0])
		q.corrected[at[i]] = word
		q.mended = append(q.mended, string(word))
	}
	return nil
}

// marked reports whether a word stands in what hits show, which spares asking for it.
func marked(hits []index.Hit, word string) bool {
	in := func(m index.Marked) bool {
		return slices.ContainsFunc(m.Ranges, func(r index.Range) bool { return strings.EqualFold(m.Text[r.Start:r.End], word) })
	}
	for i := range hits {
		if in(hits[i].Title) || slices.ContainsFunc(hits[i].Snippets, func(s index.Snippet) bool { return in(s.Marked) }) {
			return true
		}
	}
	return false
}

// wantsSpelling reports whether the answer says how words are spelt: where the hints are silent, or name results or spelling.
func (q *question) wantsSpelling() bool {
	return len(q.options.ResponseHints) == 0 || q.hints(hintResults, hintSpelling, hintMetadata)
}

// mayCorrect reports whether what is meant may be searched for in the place of what was typed.
func (q *question) mayCorrect() bool { return q.corrected != nil && !q.options.NoAutocorrect }

// suggestion is another spelling of the query, with its operators, or what it would be without quotes where it finds nothing.
func (q *question) suggestion() *Suggestion {
	if q.corrected == nil {
		return nil
	}
	text := query.Print(append(slices.Clone(q.corrected), q.operators()...))
	return &Suggestion{Query: text, Label: "Did you mean", Ranges: rangesOf(text, q.mended)}
}

// rangesOf marks words in the text that they stand in, in their order, in UTF-16 code units.
func rangesOf(text string, words []string) (list []wire.TextRange) {
	marked := index.Marked{Text: text}
	at := 0
	for _, w := range words {
		for i := at; ; {
			found := strings.Index(text[i:], w)
			if found < 0 {
				break
			}
			begin, end := i+found, i+found+len(w)
			before, _ := utf8.DecodeLastRuneInString(text[:begin])
			after, _ := utf8.DecodeRuneInString(text[end:])
			if (begin == 0 || unicode.IsSpace(before)) && (end == len(text) || unicode.IsSpace(after)) {
				marked.Ranges = append(marked.Ranges, index.Range{Start: begin, End: end})
				at = end
				break
			}
			i = end
		}
	}
	return ranges(marked)
}

// metadata says how the query was understood.
func (q *question) metadata(found int) Metadata {
	text := q.req.Query
	searched := q.searched()
	m := Metadata{SearchedQuery: query.Print(searched)}
	if len(text) <= query.MaxLength { // else the warning says so, and an echo would only make the answer long too
		m.OriginalQuery = text
	}
	var positive query.All
	for _, n := range searched {
		if not, ok := n.(query.Not); ok {
			m.NegatedTerms = append(m.NegatedTerms, query.Print(not.Node))
			continue
		}
		positive = append(positive, n)
	}
	m.WithoutNegation = query.Print(positive)
	if q.first() && (len(q.clauses) > 0 || q.options.QueryOverrides) {
		m.RewrittenQuery = q.rewrittenQuery()
	}
	if m.Suggestion = q.suggestion(); q.usedCorrection {
		m.ModifiedUsed, m.OriginalEmpty = true, true
		m.SearchedRanges = rangesOf(m.SearchedQuery, q.mended)
	} else if m.Suggestion == nil && found == 0 && q.first() && q.ask.Size > 0 {
		if bare := withoutQuotes(q.words); bare != nil {
			m.Suggestion = &Suggestion{Query: query.Print(append(bare, q.operators()...)), Label: "Search without quotes"}
			m.WithoutQuotes = true
		}
	}
	m.Warning = q.warning(found)
	return m
}

// searched is what was searched for: the query without operators that could not be used, and with its spelling mended where that
// was searched for instead.
func (q *question) searched() query.All {
	switch {
	case q.usedCorrection:
		return append(slices.Clone(q.corrected), q.operators()...)
	case len(q.ignored) == 0:
		return q.parsed.Root
	}
	return append(slices.Clone(q.words), q.operators()...)
}

// withoutQuotes returns the words with phrases taken apart, or nil where there is no phrase.
func withoutQuotes(words query.All) query.All {
	var bare query.All
	quoted := false
	for _, n := range words {
		if p, ok := n.(query.Phrase); ok {
			quoted = true
			for _, part := range query.Parse(string(p)).Root {
				if w, ok := part.(query.Word); ok {
					bare = append(bare, w)
				}
			}
			continue
		}
		bare = append(bare, n)
	}
	if !quoted || len(bare) == 0 {
		return nil
	}
	return bare
}

// warning says what of the query was left out, the gravest first.
func (q *question) warning(found int) *Warning {
	w := &Warning{IgnoredTerms: q.ignored}
	if len(q.ignored) > 0 {
		w.Type = warnOperator
	}
	for _, ignored := range q.parsed.Ignored {
		switch ignored.Reason {
		case query.TooLong, query.TooMany:
			w.Type = warnLong // the text itself would only make the answer long too
			if last := len(q.words); last > 0 {
				w.LastUsedTerm = cutText(query.Print(q.words[last-1]), maxTracked)
			}
		default:
			w.IgnoredTerms = append(w.IgnoredTerms, ignored.Text)
			if w.Type == "" {
				w.Type = warnOperator
			}
		}
	}
	if w.Type != "" || len(q.words) == 0 {
		return orNone(w)
	}
	punctuation := func(n query.Node) bool { return !strings.ContainsFunc(query.Print(n), isLetterOrDigit) }
	phrases := slices.ContainsFunc(q.words, func(n query.Node) bool { _, ok := n.(query.Phrase); return ok })
	switch {
	case slices.ContainsFunc(q.words, func(n query.Node) bool { _, ok := n.(query.Phrase); return ok && punctuation(n) }):
		w.Type = warnQuoted
		w.WithoutQuotes = query.Print(slices.DeleteFunc(slices.Clone(q.words), punctuation))
	case !slices.ContainsFunc(q.words, func(n query.Node) bool { return !punctuation(n) }):
		w.Type = warnPunctuation
	case phrases && found == 0 && q.req.InputDetails != nil && q.req.InputDetails.HasCopyPaste:
		w.Type = warnPasted
		w.WithoutQuotes = query.Print(withoutQuotes(q.words))
	}
	return orNone(w)
}

func orNone(w *Warning) *Warning {
	if w.Type == "" {
		return nil
	}
	return w
}

func isLetterOrDigit(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r)
}
