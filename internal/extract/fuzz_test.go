package extract_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/extract"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// holds says what is so of every content: text that a database takes, or a fault for whoever sent it.
func holds(t *testing.T, c extract.Content) {
	t.Helper()
	got, err := extract.New().Read(t.Context(), c)
	var f *fault.Fault
	switch {
	case err != nil && !errors.As(err, &f):
		t.Errorf("Read() fails with %v, want a fault", err)
	case err != nil && f.Kind != fault.Invalid && f.Kind != fault.TooLarge:
		t.Errorf("Read() fails with a fault of kind %s: %v", f.Kind, err)
	case err == nil && (!utf8.ValidString(got.Text) || !utf8.ValidString(got.Title) || len(got.Text) > extract.MaxText || len(got.Title) > extract.MaxTitle || got.MimeType == ""):
		t.Errorf("Read() = %d bytes of text, title %.80q, type %q", len(got.Text), got.Title, got.MimeType)
	}
}

func FuzzPDF(f *testing.F) {
	f.Add(simplePDF("BT /F1 12 Tf 72 700 Td (Hello) Tj T* [(a) -900 (b)] TJ ET BI /W 1 ID xx EI q Q"))
	f.Add(compositePDF())
	for name, data := range hostilePDFs() {
		if len(data) < 10_000 {
			f.Logf("seed: %s", name)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		holds(t, extract.Content{MimeType: "application/pdf", Data: append([]byte("%PDF-1.7\n"), data...)})
	})
}

// FuzzPDFContent fuzzes what stands on a page, which the fuzzer cannot reach through its compression.
func FuzzPDFContent(f *testing.F) {
	f.Add("BT /F1 12 Tf 72 700 Td (Hello) Tj T* [(a) -900 (b)] TJ ET", "beginbfrange <00> <ff> <0041> endbfrange")
	f.Add("q 1 0 0 1 0 0 cm Q BT 1 0 0 1 5 5 Tm <41> ' 1 2 (x) \" ET", "1 begincodespacerange <00> <ff> endcodespacerange <41> <00660069> endbfchar")
	f.Fuzz(func(t *testing.T, content, table string) {
		holds(t, extract.Content{MimeType: "application/pdf", Data: pdfOf("",
			pdfPart{dict: "<< /Type /Catalog /Pages 2 0 R >>"},
			pdfPart{dict: "<< /Kids [3 0 R] /Resources << /Font << /F1 5 0 R >> /XObject << /X 4 0 R >> >> >>"},
			pdfPart{dict: "<< /Contents 4 0 R >>"},
			pdfPart{dict: "/Subtype /Form /Filter /FlateDecode", stream: deflate(content)},
			pdfPart{dict: "<< /Subtype /Type0 /ToUnicode 6 0 R >>"},
			pdfPart{dict: "/Filter /FlateDecode", stream: deflate(table)})})
	})
}

// FuzzOffice fuzzes the XML of the parts of each office format.
func FuzzOffice(f *testing.F) {
	f.Add(`<w:p><w:t>a</w:t></w:p>`, uint8(0))
	f.Add(`<sst><si><t>a</t></si></sst>`, uint8(1))
	f.Add(`<worksheet><row><c t="s"><v>0</v></c></row></worksheet>`, uint8(2))
	f.Add(`<a:p><a:t>a</a:t></a:p>`, uint8(3))
	f.Add(`<text:tracked-changes/><text:p>a</text:p>`, uint8(4))
	f.Fuzz(func(t *testing.T, part string, which uint8) {
		files := [][]string{
			{"word/document.xml", part, "docProps/core.xml", part},
			{"xl/workbook.xml", "<a/>", "xl/sharedStrings.xml", part, "xl/worksheets/sheet1.xml", `<c t="s"><v>0</v></c>`},
			{"xl/workbook.xml", part, "xl/sharedStrings.xml", "<si><t>a</t></si>", "xl/worksheets/sheet1.xml", part},
			{"ppt/presentation.xml", "<a/>", "ppt/slides/slide1.xml", part},
			{"mimetype", "application/vnd.oasis.opendocument.text", "content.xml", part, "meta.xml", part},
		}
		holds(t, extract.Content{Data: archiveOf(t, files[int(which)%len(files)]...)})
	})
}

func FuzzArchive(f *testing.F) {
	f.Add(wordOf(f, "<w:p><w:t>a</w:t></w:p>"))
	f.Add(excelOf(f))
	f.Add(powerPointOf(f))
	f.Add(openTextOf(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		holds(t, extract.Content{Data: append([]byte("PK\x03\x04"), data...)})
	})
}

func FuzzText(f *testing.F) {
	for _, media := range []string{"text/plain", "text/html", "text/markdown", "text/rtf", "", "text/plain; charset=utf-16", "text/html; charset=gbk"} {
		f.Add(media, []byte(`{\rtf1 a\'e9\u8364?\bin3 xxx{\*\b}}`))
		f.Add(media, []byte("# a\n> *b* [c](d) <p>e</p>"))
	}
	f.Fuzz(func(t *testing.T, media string, data []byte) { holds(t, extract.Content{MimeType: media, Data: data}) })
}
