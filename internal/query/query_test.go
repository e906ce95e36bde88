package query

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text    string
		want    All
		ignored []Ignored
	}{
		{"", nil, nil},
		{"parental leave", All{Word("parental"), Word("leave")}, nil},
		{`"parental  leave" germany`, All{Phrase("parental leave"), Word("germany")}, nil},
		{"“smart quotes”", All{Phrase("smart quotes")}, nil},
		{"dep* -draft", All{Prefix("dep"), Not{Word("draft")}}, nil},
		{"NOT draft plan", All{Not{Word("draft")}, Word("plan")}, nil},
		{"a AND b", All{Word("a"), Word("b")}, nil},
		{"a OR b OR c d", All{Any{Word("a"), Word("b"), Word("c")}, Word("d")}, nil},
		{"(a b) OR c", All{Any{All{Word("a"), Word("b")}, Word("c")}}, nil},
		{"(a b) c", All{Word("a"), Word("b"), Word("c")}, nil},
		{"-(a OR b)", All{Not{Any{Word("a"), Word("b")}}}, nil},
		{"--a -(-b)", All{Not{Word("a")}, Not{Word("b")}}, nil},
		{`Type:pdf from:"Ada Lovelace"`, All{Field{"type", "pdf"}, Field{"from", "Ada Lovelace"}}, nil},
		{"http://x.example 12:30 std::vector error: a", All{
			Word("http://x.example"), Word("12:30"), Word("std::vector"), Word("error:"), Word("a"),
		}, nil},
		{`"say \"hi\"" "a\\" "C:\temp\"`, All{Phrase(`say "hi"`), Phrase(`a\`), Phrase(`C:\temp\`)}, nil},
		{`"type:pdf" "OR" from:"a \"b\""`, All{Phrase("type:pdf"), Phrase("OR"), Field{"from", `a "b"`}}, nil},
		{"Größe:XL 2x:4", All{Field{"größe", "XL"}, Word("2x:4")}, nil},
		{"a OR", All{Word("a")}, []Ignored{{"OR", Dangling}}},
		{"OR a", All{Word("a")}, []Ignored{{"OR", Dangling}}},
		{"a - b", All{Word("a"), Word("b")}, []Ignored{{"-", Empty}}},
		{`5" screen`, All{Word("5"), Word("screen")}, []Ignored{{`"`, Dangling}}},
		{"a) (b", All{Word("a"), Word("b")}, []Ignored{{")", Dangling}, {"(", Dangling}}},
		{`() "" * type:""`, nil, []Ignored{{"()", Empty}, {`""`, Empty}, {"*", Empty}, {`type:""`, Empty}}},
		{"a OR -b", All{Word("a")}, []Ignored{{"-b", Negated}}},
		{"-a OR b", All{Word("b")}, []Ignored{{"-a", Negated}}},
		{"a\x00b\xff\u2028c", All{Word("a"), Word("b"), Word("c")}, nil},
	} {
		got := Parse(c.text)
		if d := cmp.Diff(c.want, got.Root); d != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", c.text, d)
		}
		if d := cmp.Diff(c.ignored, got.Ignored); d != "" {
			t.Errorf("Parse(%q).Ignored (-want +got):\n%s", c.text, d)
		}
	}
}

func TestParseBounds(t *testing.T) {
	q := Parse(strings.Repeat("é", MaxLength))
	if len(q.Ignored) != 1 || q.Ignored[0].Reason != TooLong || len(q.Ignored[0].Text) > maxIgnoredText+len("…") {
		t.Errorf("Parse(long word).Ignored = %v, want one, too long and cut", q.Ignored)
	}
	if q = Parse(strings.Repeat("x ", MaxNodes+9)); len(q.Root) != MaxNodes || q.Ignored[0].Reason != TooMany {
		t.Errorf("Parse(many words) has %d words, want %d and the rest ignored", len(q.Root), MaxNodes)
	}
	deep := strings.Repeat("(a OR ", MaxDepth+5) + "b" + strings.Repeat(")", MaxDepth+5) + " c"
	if q = Parse(deep); len(q.Ignored) == 0 || q.Ignored[0].Reason != TooDeep {
		t.Errorf("Parse(deep).Ignored = %v, want too deep", q.Ignored)
	}
	if q.Root[len(q.Root)-1] != Word("c") {
		t.Errorf("Parse(deep) = %v, want the word behind all parentheses last", q)
	}
}

func TestExtract(t *testing.T) {
	known := func(name string) bool { return name == "type" || name == "app" }
	clauses, rest := Parse(`type:pdf -app:chat type:doc OR type:pdf foo:bar foo:"b c" (type:x OR y) z`).Extract(known)
	want := []Clause{
		{{Field: Field{"type", "pdf"}}},
		{{Field: Field{"app", "chat"}, Not: true}},
		{{Field: Field{"type", "doc"}}, {Field: Field{"type", "pdf"}}},
	}
	if d := cmp.Diff(want, clauses); d != "" {
		t.Errorf("Extract clauses (-want +got):\n%s", d)
	}
	wantRest := Query{
		All{Word("foo:bar"), Word("foo"), Phrase("b c"), Any{Word("type:x"), Word("y")}, Word("z")},
		[]Ignored{{"type:x", Mixed}},
	}
	if d := cmp.Diff(wantRest, rest); d != "" {
		t.Errorf("Extract rest (-want +got):\n%s", d)
	}
}

// TestPrintAndParse holds that any tree that Parse can give prints to text that gives it back.
func TestPrintAndParse(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for range 20_000 {
		tree := randomTree(r)
		printed := Print(tree)
		again := Parse(printed)
		if d := cmp.Diff(tree, again.Root); d != "" || len(again.Ignored) > 0 {
			t.Fatalf("Parse(%q) ignores %v (-printed +parsed):\n%s", printed, again.Ignored, d)
		}
	}
}

// randomTree is of the form that Parse gives: no All within an All, no Any within an Any, no Not in either of Any and Not.
func randomTree(r *rand.Rand) All {
	list := All{randomPart(r, 3, true)}
	for range r.IntN(4) {
		list = append(list, randomPart(r, 3, true))
	}
	return list
}

func randomPart(r *rand.Rand, depth int, negative bool) Node {
	several := func(negative bool) (list []Node) {
		for range 2 + r.IntN(2) {
			list = append(list, randomPart(r, depth-1, negative))
		}
		return list
	}
	switch kind := r.IntN(10); {
	case kind == 0 && negative:
		inner := randomPart(r, depth, false)
		return Not{inner}
	case kind == 1 && depth > 0:
		list := Any{}
		for _, part := range several(false) {
			if _, is := part.(Any); is {
				part = Word("instead")
			}
			list = append(list, part)
		}
		if r.IntN(3) == 0 {
			list[0] = All(several(false))
			for i, part := range list[0].(All) {
				if _, is := part.(All); is {
					list[0].(All)[i] = Phrase("instead")
				}
			}
		}
		return list
	case kind == 2:
		return Phrase(randomText(r))
	case kind == 3:
		return Prefix(strings.TrimSuffix(randomWord(r), ":"))
	case kind == 4:
		return Field{[]string{"type", "from", "due-date", "größe", "x_1"}[r.IntN(5)], randomText(r)}
	}
	return Word(randomWord(r))
}

func randomWord(r *rand.Rand) string {
	return []string{"a", "Zürich", "C++", "12:30", "http://x.example/y", `C:\temp`, "and", "ne-w", "日本", "it's", "a:"}[r.IntN(11)]
}

func randomText(r *rand.Rand) string {
	alphabet := []string{"a", "B", " b", `"`, `\`, "“", "(", ")", "-", "*", ":", "OR", "é", "/"}
	text := "t"
	for range r.IntN(8) {
		text += alphabet[r.IntN(len(alphabet))]
	}
	return text
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a OR b -c", `-("x y" OR z*) type:"a b"`, "((a) OR (b c)) NOT d", "-OR NOT AND", `a"b:"c":d"`, "--- - -()", `"a\"b" x:"\\" "\`, "İx:1 größe:ß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := Parse(text)
		printed := q.String()
		if !utf8.ValidString(printed) {
			t.Fatalf("Parse(%q) prints invalid UTF-8: %q", text, printed)
		}
		if leaves(q.Root) > MaxNodes {
			t.Fatalf("Parse(%q) has %d nodes", text, leaves(q.Root))
		}
		if len(printed) > MaxLength {
			return
		}
		again := Parse(printed)
		if d := cmp.Diff(q.Root, again.Root); d != "" {
			t.Fatalf("Parse(%q) prints %q, which parses differently (-first +second):\n%s", text, printed, d)
		}
		if _, rest := q.Extract(func(name string) bool { return name == "type" }); hasField(rest.Root) {
			t.Fatalf("Parse(%q).Extract leaves an operator in %q", text, rest)
		}
	})
}

func leaves(n Node) (sum int) {
	walk(n, func(n Node) {
		switch n.(type) {
		case Word, Phrase, Prefix, Field:
			sum++
		}
	})
	return sum
}

func hasField(n Node) (found bool) {
	walk(n, func(n Node) {
		if _, is := n.(Field); is {
			found = true
		}
	})
	return found
}

func walk(n Node, visit func(Node)) {
	visit(n)
	switch n := n.(type) {
	case All:
		for _, part := range n {
			walk(part, visit)
		}
	case Any:
		for _, part := range n {
			walk(part, visit)
		}
	case Not:
		walk(n.Node, visit)
	}
}
