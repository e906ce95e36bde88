package extract_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/sheafsearch/sheaf/internal/extract"
	"github.com/sheafsearch/sheaf/internal/fault"
)

const (
	docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	odt  = "application/vnd.oasis.opendocument.text"
)

func utf16LE(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func TestWhatIsRead(t *testing.T) {
	word := wordOf(t, `<w:p><w:r><w:t>Hello</w:t></w:r><w:r><w:tab/><w:t xml:space="preserve">big </w:t><w:delText>no</w:delText><w:t>ship</w:t></w:r></w:p>
		<mc:AlternateContent><mc:Choice><w:p><w:t>once</w:t></w:p></mc:Choice><mc:Fallback><w:t>once</w:t></mc:Fallback></mc:AlternateContent>
		<w:tbl><w:tr><w:tc><w:p><w:t>a</w:t></w:p></w:tc><w:tc><w:p><w:t>b &amp; c</w:t></w:p></w:tc></w:tr></w:tbl>`)
	page := simplePDF("BT /F1 12 Tf 72 700 Td (Hello,) Tj 40 0 Td (w\\157rld \\200n \\201) Tj 0 -20 TD [(sec) 20 (ond) -600 (line)] TJ T* (third) Tj ET")
	for _, c := range []struct {
		name string
		in   extract.Content
		want extract.Text
	}{
		{"plain", extract.Content{MimeType: "text/plain", Data: []byte(" a\n b\x00 ")}, extract.Text{MimeType: "text/plain", Text: "a\n b"}},
		{"a mark of UTF-8", extract.Content{MimeType: "Text/Plain; charset=UTF-8", Data: []byte("\ufeffHello")}, extract.Text{MimeType: "text/plain", Text: "Hello"}},
		{"a page", extract.Content{MimeType: "text/html", Data: []byte("<html><head><title> A &amp; B\n</title><style>p{}</style><script>x<p>y</script></head><body><h1>Top</h1><p>One <b>two</b>&nbsp;&lt;three&gt;</p><ul><li>a<li>b</ul><!-- no --></body>")}, extract.Text{MimeType: "text/html", Title: "A & B", Text: "Top\nOne two <three>\na\nb"}},
		{"a drawing", extract.Content{MimeType: "text/html", Data: []byte("<svg><title>icon</title><text>x</text></svg>seen")}, extract.Text{MimeType: "text/html", Text: "seen"}},
		{"markdown", extract.Content{MimeType: "text/markdown", Data: []byte("# A *heading*\n\nSome [link](https://x) and `code`.\n\n    block\n\n```\nfence\n```\n- one\n- two\n")}, extract.Text{MimeType: "text/markdown", Title: "A heading", Text: "A heading\nSome link and code.\nblock\nfence\none\ntwo"}},
		{"csv", extract.Content{MimeType: "text/csv; charset=utf-8", Data: []byte("a,b")}, extract.Text{MimeType: "text/plain", Text: "a,b"}},
		{"latin", extract.Content{MimeType: "text/plain; charset=ISO-8859-1", Data: []byte("caf\xe9")}, extract.Text{MimeType: "text/plain", Text: "café"}},
		{"characters have their charset already", extract.Content{MimeType: "text/plain; charset=ISO-8859-1", Data: []byte("café"), Characters: true}, extract.Text{MimeType: "text/plain", Text: "café"}},
		{"utf-16", extract.Content{MimeType: "text/plain", Data: utf16LE("grüße")}, extract.Text{MimeType: "text/plain", Text: "grüße"}},
		{"html", extract.Content{MimeType: "text/html", Data: []byte("<title>T\n t</title><script>x</script><p>a<td>b")}, extract.Text{MimeType: "text/html", Title: "T t", Text: "a b"}},
		{"html with a charset within", extract.Content{MimeType: "text/html", Data: []byte("<html><meta charset=windows-1252><p>caf\xe9")}, extract.Text{MimeType: "text/html", Text: "café"}},
		{"html by its look", extract.Content{MimeType: "", Data: []byte("\n<!DOCTYPE html><p>a")}, extract.Text{MimeType: "text/html", Text: "a"}},
		{"html that claims to be a PDF", extract.Content{MimeType: "application/pdf", Data: []byte("<html><p>a")}, extract.Text{MimeType: "text/html", Text: "a"}},
		{"markdown by its name", extract.Content{MimeType: "application/octet-stream", Filename: "read.MD", Data: []byte("# T\n\n*b*")}, extract.Text{MimeType: "text/markdown", Title: "T", Text: "T\nb"}},
		{"text of a PDF", extract.Content{MimeType: "application/pdf", Data: []byte("taken out"), Characters: true}, extract.Text{MimeType: "text/plain", Text: "taken out"}},
		{"text about PDF", extract.Content{MimeType: "text/plain", Data: []byte("a file begins with %PDF-1.7")}, extract.Text{MimeType: "text/plain", Text: "a file begins with %PDF-1.7"}},
		{"pdf", extract.Content{MimeType: "application/pdf", Data: page}, extract.Text{MimeType: "application/pdf", Title: "Harbour plan", Text: "Hello, world fin é\nsecond line\nthird"}},
		{"pdf that claims to be text", extract.Content{MimeType: "text/plain", Data: page}, extract.Text{MimeType: "application/pdf", Title: "Harbour plan", Text: "Hello, world fin é\nsecond line\nthird"}},
		{"pdf with composite fonts", extract.Content{MimeType: "application/x-pdf", Data: compositePDF()}, extract.Text{MimeType: "application/pdf", Text: "abc\nfi 🚢"}},
		{"pdf without text", extract.Content{MimeType: "application/pdf", Data: simplePDF("0 0 m 9 9 l S")}, extract.Text{MimeType: "application/pdf", Title: "Harbour plan"}},
		{"word", extract.Content{MimeType: docx, Data: word}, extract.Text{MimeType: docx, Title: "Harbour plan", Text: "Hello big ship\nonce\na\nb & c\na note"}},
		{"word that claims to be a PDF", extract.Content{MimeType: "application/pdf", Data: wordOf(t, "<w:p><w:t>x</w:t></w:p>")}, extract.Text{MimeType: docx, Title: "Harbour plan", Text: "x\na note"}},
		{"excel", extract.Content{MimeType: xlsx, Data: excelOf(t)}, extract.Text{MimeType: xlsx, Title: "Harbour plan", Text: "Berths\nShip Length\nAda 42.5 TRUE 7\nsecond\nlast"}},
		{"powerpoint", extract.Content{MimeType: "application/zip", Data: powerPointOf(t)}, extract.Text{MimeType: pptx, Title: "Harbour plan", Text: "First\nslide\nSecond slide\nspeak up"}},
		{"opendocument", extract.Content{Data: openTextOf(t)}, extract.Text{MimeType: odt, Title: "Harbour plan", Text: "Tides\nhigh and\nlow"}},
		{"rtf", extract.Content{MimeType: "text/rtf", Data: []byte(`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Harbour plan}{\author x}}Hel\b lo\b0 , caf\'e9 \u8364?\par{\*\x gone}two\~words\{\}}`)}, extract.Text{MimeType: "application/rtf", Title: "Harbour plan", Text: "Hello, café €\ntwo words{}"}},
	} {
		got, err := extract.New().Read(t.Context(), c.in)
		if err != nil {
			t.Errorf("%s: Read() fails: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Read() differs (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	bomb := archiveOf(t, "word/document.xml", "<w:document><w:t>"+strings.Repeat("a", 97<<20)+"</w:t></w:document>")
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("ppt/slides/slide%d.xml", i), "<a:t>"+strings.Repeat("b", 1<<20)+"</a:t>")
	}
	encrypted := bytes.Replace(simplePDF("BT ET"), []byte("/Root"), []byte("/Encrypt 9 0 R /Root"), 1)
	for _, c := range []struct {
		name  string
		in    extract.Content
		kind  fault.Kind
		holds string
	}{
		{"json", extract.Content{MimeType: "application/json", Data: []byte("{}")}, fault.Invalid, "application/json is not supported"},
		{"xml", extract.Content{MimeType: "text/xml", Data: []byte("<a/>")}, fault.Invalid, "not supported"},
		{"css", extract.Content{MimeType: "text/css", Data: []byte("a{}")}, fault.Invalid, "not supported"},
		{"an image", extract.Content{MimeType: "image/png", Data: []byte("\x89PNG\r\n")}, fault.Invalid, "not supported"},
		{"an image that claims to be text", extract.Content{MimeType: "text/plain", Data: []byte("\x89PNG\r\n")}, fault.Invalid, "image/* is not supported"},
		{"an archive", extract.Content{MimeType: "", Data: archiveOf(t, "a", "b")}, fault.Invalid, "application/zip is not supported"},
		{"an old document", extract.Content{MimeType: "application/msword", Data: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")}, fault.Invalid, "docx"},
		{"bytes", extract.Content{MimeType: "application/octet-stream", Data: []byte{1, 2, 3}}, fault.Invalid, "cannot be told"},
		{"no type at all", extract.Content{MimeType: "text plain", Data: []byte("a")}, fault.Invalid, "cannot be read"},
		{"no PDF", extract.Content{MimeType: "application/pdf", Data: []byte("hello")}, fault.Invalid, "is no PDF"},
		{"a PDF without pages", extract.Content{MimeType: "application/pdf", Data: []byte("%PDF-1.4\n%%EOF")}, fault.Invalid, "damaged"},
		{"an encrypted PDF", extract.Content{MimeType: "application/pdf", Data: encrypted}, fault.Invalid, "encrypted"},
		{"bad UTF-8", extract.Content{MimeType: "text/plain", Data: []byte("caf\xe9")}, fault.Invalid, "UTF-8"},
		{"a charset that nobody knows", extract.Content{MimeType: "text/plain; charset=klingon", Data: []byte("a")}, fault.Invalid, "klingon"},
		{"a document cut off", extract.Content{MimeType: docx, Data: wordOf(t, strings.Repeat("<w:p><w:t>x</w:t></w:p>", 99))[:400]}, fault.Invalid, ""},
		{"entities", extract.Content{MimeType: docx, Data: archiveOf(t, "word/document.xml", `<!DOCTYPE a [<!ENTITY x "aaaa"><!ENTITY y "&x;&x;">]><w:t>&y;</w:t>`)}, fault.Invalid, "damaged"},
		{"an archive that swells", extract.Content{MimeType: docx, Data: bomb}, fault.TooLarge, "96 MiB"},
		{"many parts that swell", extract.Content{MimeType: pptx, Data: archiveOf(t, append(many, "ppt/presentation.xml", "")...)}, fault.TooLarge, "96 MiB"},
		{"a PDF that swells", extract.Content{MimeType: "application/pdf", Data: simplePDF(strings.Repeat(" ", 97<<20))}, fault.TooLarge, "96 MiB"},
		{"a PDF of endless text", extract.Content{MimeType: "application/pdf", Data: simplePDF("BT /F1 1 Tf " + strings.Repeat("(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ", 300_000))}, fault.TooLarge, "8 MiB"},
		{"too much", extract.Content{MimeType: "text/plain", Data: make([]byte, extract.MaxContent+1)}, fault.TooLarge, "at most"},
		{"too much text", extract.Content{MimeType: "text/plain", Data: bytes.Repeat([]byte("a"), extract.MaxText+1)}, fault.TooLarge, "8 MiB"},
	} {
		got, err := extract.New().Read(t.Context(), c.in)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != c.kind || !strings.Contains(f.Message, c.holds) {
			t.Errorf("%s: Read() = %.80q, %v, want a fault of kind %s with %q", c.name, got.Text, err, c.kind, c.holds)
		}
	}
}

// hostile PDFs that have brought other readers down.
func hostilePDFs() map[string][]byte {
	catalog := pdfPart{dict: "<< /Type /Catalog /Pages 2 0 R >>"}
	var deep strings.Builder
	deep.WriteString("%PDF-1.4\n1 0 obj " + strings.Repeat("[", 1<<20) + strings.Repeat("<<", 1<<20))
	var kids strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&kids, "%d 0 R ", i%9+1)
	}
	return map[string][]byte{
		"a page tree in a circle":      pdfOf("", catalog, pdfPart{dict: "<< /Kids [2 0 R 1 0 R 2 0 R] /Parent 2 0 R >>"}),
		"a reference to itself":        pdfOf("", pdfPart{dict: "1 0 R"}, pdfPart{dict: "2 0 R"}),
		"a huge table of references":   pdfOf("", catalog, pdfPart{dict: "/Type /XRef /Size 1000000000 /W [1 4000000000 9] /Index [4000000000 1]", stream: "x"}),
		"nesting":                      []byte(deep.String()),
		"an endless hexadecimal text":  []byte("%PDF-1.4\n1 0 obj <AB"),
		"an endless literal":           []byte("%PDF-1.4\n1 0 obj (" + strings.Repeat("(", 1<<20)),
		"a length beyond the file":     pdfOf("", catalog, pdfPart{dict: "<< /Length 99999999999999999999 >>\nstream\nx"}),
		"a negative place":             pdfOf("", catalog, pdfPart{dict: "/Type /ObjStm /N 99999999 /First -5", stream: "1 -1 2 99999999999"}),
		"kids without end":             pdfOf("", catalog, pdfPart{dict: "<< /Kids [" + kids.String() + "] >>"}),
		"a form within itself":         pdfOf("", catalog, pdfPart{dict: "<< /Kids [3 0 R] /Resources << /XObject << /X 4 0 R >> >> >>"}, pdfPart{dict: "<< /Contents 4 0 R >>"}, pdfPart{dict: "/Subtype /Form", stream: strings.Repeat("/X Do ", 20)}),
		"filters upon filters":         pdfOf("", catalog, pdfPart{dict: "<< /Kids [3 0 R] >>"}, pdfPart{dict: "<< /Contents 4 0 R >>"}, pdfPart{dict: "/Filter [" + strings.Repeat("/FlateDecode ", 100) + "]", stream: deflate("x")}),
		"a table with huge ranges":     pdfOf("", catalog, pdfPart{dict: "<< /Kids [3 0 R] /Resources << /Font << /F 5 0 R >> >> >>"}, pdfPart{dict: "<< /Contents 4 0 R >>"}, pdfPart{stream: "BT /F 9 Tf (ab) Tj"}, pdfPart{dict: "<< /Subtype /Type0 /ToUnicode 6 0 R /DescendantFonts [<< /W [0 4000000000 1 -9 9 1 1 [1]] >>] >>"}, pdfPart{stream: strings.Repeat("<00000000> <ffffffff> <0041> ", 9) + "endbfrange " + strings.Repeat("<0000> <ffff> <0041> ", 2000) + "endbfrange"}),
		"many objects without an end":  []byte("%PDF-1.4\n" + strings.Repeat("1 0 obj << /A [ ", 200_000)),
		"many streams without an end":  []byte("%PDF-1.4\n" + strings.Repeat("1 0 obj << >> stream\n", 100_000)),
		"many trailers":                []byte("%PDF-1.4\n" + strings.Repeat("trailer <<", 200_000)),
		"numbers":                      []byte("%PDF-1.4\n1 0 obj [" + strings.Repeat("0 ", 8<<20)),
		"one font for every character": simplePDF(strings.Repeat("/F1 1 Tf ", 1<<20)),
		"one content many times":       pdfOf("", catalog, pdfPart{dict: "<< /Kids [3 0 R] >>"}, pdfPart{dict: "<< /Contents [" + strings.Repeat("4 0 R ", 4000) + "] >>"}, pdfPart{stream: strings.Repeat(" ", 1<<20)}),
		"one large form many times":    pdfOf("", catalog, pdfPart{dict: "<< /Kids [3 0 R] /Resources << /XObject << /X 5 0 R >> >> >>"}, pdfPart{dict: "<< /Contents 4 0 R >>"}, pdfPart{stream: strings.Repeat("/X Do ", 2000)}, pdfPart{dict: "/Subtype /Form", stream: strings.Repeat(" ", 28<<20)}),
		"operands of no operator":      simplePDF(strings.Repeat("["+strings.Repeat("1 ", 490_000)+"]", 90)),
		"fonts that know everything":   manyFonts(280),
	}
}

// manyFonts is a page in so many fonts, each with a short table of all codes.
func manyFonts(n int) []byte {
	var list, use strings.Builder
	parts := []pdfPart{{dict: "<< /Pages 2 0 R >>"}, {dict: "<< /Kids [3 0 R] >>"}, {}, {}, {stream: "beginbfrange <0000> <ffff> <00410042004300440045> endbfrange"}}
	for i := range n {
		fmt.Fprintf(&list, "/F%d %d 0 R ", i, len(parts)+1)
		fmt.Fprintf(&use, "/F%d 1 Tf ", i)
		parts = append(parts, pdfPart{dict: "<< /Subtype /Type0 /ToUnicode 5 0 R >>"})
	}
	parts[2].dict, parts[3].stream = "<< /Contents 4 0 R /Resources << /Font << "+list.String()+" >> >> >>", use.String()
	return pdfOf("", parts...)
}

// TestManyAttributes holds that elements have an end: each attribute takes a hundred bytes of memory, and next to none of the archive.
func TestManyAttributes(t *testing.T) {
	// The second form has, in bytes, what opens an element within its values.
	for head, value := range map[string]string{"": `b=""`, `<?xml version="1.0" encoding="iso-2022-jp"?>`: "b='\x1b$B<!\x1b(B'"} {
		data := archiveOf(t, "word/document.xml", head+"<p "+strings.Repeat(strings.Repeat(`a="" `, 1000)+value+" ", 2000)+"/>")
		_, err := extract.New().Read(t.Context(), extract.Content{Data: data})
		if fault.KindOf(err) != fault.TooLarge {
			t.Errorf("Read(two million attributes, %q) fails with %v, want %s", head, err, fault.TooLarge)
		}
	}
}

func TestHostilePDFs(t *testing.T) {
	for name, data := range hostilePDFs() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := extract.New().Read(t.Context(), extract.Content{MimeType: "application/pdf", Data: data})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if took > extract.MaxTime+time.Second {
				t.Errorf("Read() took %v", took)
			}
			if grown := after.HeapSys - before.HeapSys; after.HeapSys > before.HeapSys && grown > 600<<20 {
				t.Errorf("Read() took %d MiB of memory", grown>>20)
			}
			var f *fault.Fault
			if err != nil && !errors.As(err, &f) {
				t.Errorf("Read() fails with %v, want a fault", err)
			}
		})
	}
}

func TestMarksThatNest(t *testing.T) {
	for name, unit := range map[string]string{
		"quotes": ">", "lists": "- ", "numbers": "1. ", "brackets": "[", "stars": "*a", "ticks": "`a", "images": "![", "angles": "<", "links": "[a](", "underscores": "__a_",
		"stars and underscores": "*a_ ", "definitions": "[a]: b\n",
	} {
		for _, text := range []string{strings.Repeat(unit, (1000<<10)/len(unit)), strings.Repeat(strings.Repeat(unit, 40)+"\n", (1000<<10)/(40*len(unit)+1))} {
			began := time.Now()
			if _, err := extract.New().Read(t.Context(), extract.Content{MimeType: "text/markdown", Data: []byte(text)}); err != nil {
				t.Errorf("%s: Read() fails: %v", name, err)
			}
			t.Logf("%s: %v", name, time.Since(began))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: Read() took %v", name, took)
			}
		}
	}
}

func TestAReaderThatWaitsTooLong(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := extract.New().Read(ctx, extract.Content{MimeType: "application/pdf", Data: simplePDF("BT ET")}); err == nil {
		t.Error("Read() with a context that has ended succeeds")
	}
}
