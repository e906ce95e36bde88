package analysis

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// show prints tokens as position:term, with /stem where it differs, and !, ~ or . for hard and soft compounds and singles.
func show(locale, text string) string {
	var list []string
	For(locale).Tokens(text, func(t Token) bool {
		s := fmt.Sprintf("%d:%s", t.Position, t.Term)
		if t.Stem != "" && t.Stem != t.Term {
			s += "/" + t.Stem
		}
		list = append(list, s+[]string{"", "~", "!", "."}[t.Kind])
		return true
	})
	return strings.Join(list, " ")
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ locale, text, want string }{
		{"", "The Deployments, running!", "0:the 1:deployments/deploy 2:running/run"},
		{"en", "Ann’s don't o'brien", "0:ann 1:dont 2:obrien"},
		{"fr", "l’avion d'abord", "0:avion 1:abord"},
		{"de", "Häuser Straße", "0:hauser/haus 1:strasse/strass"},
		{"en", "ABC-123 wi-fi", "0:abc123! 0:abc 1:123 2:wifi~ 2:wi 3:fi"},
		{"en", "userName HTTPServer foo_bar GitHub", "0:username! 0:user 1:name 2:httpserver! 2:http 3:server 4:foobar! 4:foo 5:bar 6:github! 6:git 7:hub"},
		{"en", "ann.lee@example.com", "0:annleeexamplecom! 0:ann 1:lee 2:example/exampl 3:com"},
		{"en", "1,000 3.5 v2.6.3 2024-05-01", "0:1000! 0:1 1:000 2:3.5! 2:3 3:5 4:v2.6.3! 4:v2 5:6 6:3 7:20240501! 7:2024 8:05 9:01"},
		{"en", "docs/search api", "0:docs/doc 1:search 2:api"},
		{"en", "C++ C# F# a#1", "0:c++! 0:c 1:c#! 1:c 2:f#! 2:f 3:a 4:1"},
		{"ja", "東京都 x 京", "0:東京 0:東. 1:京都 1:京. 2:都. 3:x 4:京"},
		{"th", "สวัส", "0:สว 0:ส. 1:วั 1:ว. 2:ัส 2:ั. 3:ส."},
		{"ko", "한국어", "0:한국 0:한. 1:국어 1:국. 2:어."},
		{"xx", "running ＡＢＣ café", "0:running 1:abc 2:cafe"},
		{"en", "a\x00b \xff\xfe c 🚀", "0:a 1:b 2:c"},
		{"en", "", ""},
	} {
		if got := show(c.locale, c.text); got != c.want {
			t.Errorf("Tokens(%q, %q) =\n %s, want\n %s", c.locale, c.text, got, c.want)
		}
	}
}

func TestTokensBounds(t *testing.T) {
	words := 0
	For("en").Tokens(strings.Repeat("x ", MaxWords+10), func(Token) bool { words++; return true })
	if words != MaxWords {
		t.Errorf("Tokens of a long text gave %d words, want %d", words, MaxWords)
	}
	For("en").Tokens(strings.Repeat("é", 500), func(tok Token) bool {
		if len(tok.Term) > MaxTerm {
			t.Errorf("a term of %d bytes, want at most %d", len(tok.Term), MaxTerm)
		}
		return true
	})
}

func TestFold(t *testing.T) {
	for _, c := range [][2]string{
		{"  Ärger ", "arger"},
		{"Straße", "strasse"},
		{"ŁÓDŹ", "lodz"},
		{"ﬁne", "fine"},
		{"İstanbul", "istanbul"},
		{"Ørsted", "orsted"},
		{"ガス", "ガス"},
		{"ｶﾞｽ", "ガス"},
		{"한국", "한국"},
		{"Ὀδυσσεύς", "οδυσσευσ"},
		{"PDF", "pdf"},
		{"", ""},
	} {
		if got := Fold(c[0]); got != c[1] {
			t.Errorf("Fold(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, seed := range []string{"ABC-123 l'avion C++", "東京 สวัส 한국", "a\xffb\x00", "fooBar@x.com 1,0.5", "İǅß'’-@-#"} {
		f.Add("en", seed)
	}
	f.Fuzz(func(t *testing.T, locale, text string) {
		position, end := 0, 0
		count := For(locale).Tokens(text, func(tok Token) bool {
			if tok.Start < 0 || tok.Start >= tok.End || tok.End > len(text) {
				t.Fatalf("Tokens(%q): range %d-%d is outside", text, tok.Start, tok.End)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[tok.Start:tok.End]) {
				t.Fatalf("Tokens(%q): range %d-%d cuts a character", text, tok.Start, tok.End)
			}
			if tok.Position < position {
				t.Fatalf("Tokens(%q): position %d after %d", text, tok.Position, position)
			}
			if len(tok.Term) > MaxTerm || !utf8.ValidString(tok.Term) {
				t.Fatalf("Tokens(%q): term %q", text, tok.Term)
			}
			position, end = tok.Position, max(end, tok.Position)
			return true
		})
		if count < end {
			t.Fatalf("Tokens(%q) = %d, want more than %d", text, count, end)
		}
		if d := cmp.Diff(Fold(text), Fold(Fold(text))); d != "" {
			t.Fatalf("Fold(Fold(%q)) differs:\n%s", text, d)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	text := strings.Repeat("The quick deployments of our search service were running in the eu-west-1 region. ", 100)
	a := For("en")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		a.Tokens(text, func(Token) bool { return true })
	}
}
