package extract_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"
)

// archiveOf makes an archive of files, given as name and content in turn.
func archiveOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i+1 < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const coreTitle = `<cp:coreProperties xmlns:cp="x" xmlns:dc="y"><dc:title>Harbour plan</dc:title></cp:coreProperties>`

func wordOf(t testing.TB, body string) []byte {
	return archiveOf(t, "[Content_Types].xml", "<Types/>", "docProps/core.xml", coreTitle, "word/document.xml",
		`<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w"><w:body>`+body+`</w:body></w:document>`,
		"word/footnotes.xml", `<w:footnotes><w:footnote><w:p><w:r><w:t>a note</w:t></w:r></w:p></w:footnote></w:footnotes>`)
}

func excelOf(t testing.TB) []byte {
	return archiveOf(t, "docProps/core.xml", coreTitle,
		"xl/workbook.xml", `<workbook><sheets><sheet name="Berths" sheetId="1"/></sheets></workbook>`,
		"xl/sharedStrings.xml", `<sst><si><t>Ship</t></si><si><r><t>Len</t></r><r><t>gth</t></r><rPh><t>no</t></rPh></si></sst>`,
		"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>
			<row><c t="inlineStr"><is><t>Ada</t></is></c><c><v>42.5</v></c><c t="b"><v>1</v></c><c t="s"><v>99</v></c><c><f>A1+1</f><v>7</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet10.xml", `<worksheet><row><c t="str"><v>last</v></c></row></worksheet>`,
		"xl/worksheets/sheet2.xml", `<worksheet><row><c t="str"><v>second</v></c></row></worksheet>`)
}

func powerPointOf(t testing.TB) []byte {
	return archiveOf(t, "docProps/core.xml", coreTitle, "ppt/presentation.xml", "<p/>",
		"ppt/slides/slide2.xml", `<p:sld><a:p><a:r><a:t>Second slide</a:t></a:r></a:p></p:sld>`,
		"ppt/slides/slide1.xml", `<p:sld><a:p><a:r><a:t>First</a:t></a:r><a:br/><a:r><a:t>slide</a:t></a:r></a:p></p:sld>`,
		"ppt/notesSlides/notesSlide1.xml", `<p:notes><a:p><a:r><a:t>speak up</a:t></a:r></a:p></p:notes>`)
}

func openTextOf(t testing.TB) []byte {
	return archiveOf(t, "mimetype", "application/vnd.oasis.opendocument.text",
		"content.xml", `<office:document-content><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h>Tides</text:h>
			<text:p>high<text:s text:c="3"/>and<text:line-break/>low</text:p></office:text></office:document-content>`,
		"meta.xml", `<office:meta><dc:title>Harbour plan</dc:title></office:meta>`)
}

// pdfPart is an object of a PDF that is being made: a dictionary and, for a stream, its data.
type pdfPart struct{ dict, stream string }

// pdfOf makes a PDF of objects numbered from 1. The first is the catalog. Tables are left out: readers that trust nothing need none.
func pdfOf(info string, parts ...pdfPart) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	for i, p := range parts {
		if p == (pdfPart{}) {
			continue // this number is given elsewhere
		}
		fmt.Fprintf(&out, "%d 0 obj\n", i+1)
		if p.stream == "" {
			out.WriteString(p.dict)
		} else {
			fmt.Fprintf(&out, "<< %s /Length %d >>\nstream\n%s\nendstream", p.dict, len(p.stream), p.stream)
		}
		out.WriteString("\nendobj\n")
	}
	fmt.Fprintf(&out, "trailer\n<< /Root 1 0 R %s >>\n%%%%EOF\n", info)
	return out.Bytes()
}

func deflate(s string) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write([]byte(s)) // a buffer takes everything
	_ = z.Close()
	return out.String()
}

// simplePDF has one page with the given content in Helvetica.
func simplePDF(content string) []byte {
	return pdfOf("/Info << /Title (Harbour plan) >>",
		pdfPart{dict: "<< /Type /Catalog /Pages 2 0 R >>"},
		pdfPart{dict: "<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 5 0 R >> >> >>"},
		pdfPart{dict: "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"},
		pdfPart{dict: "/Filter /FlateDecode", stream: deflate(content)},
		pdfPart{dict: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [128 /fi /eacute] >> >>"},
	)
}

// compositePDF has a page whose font maps codes of two bytes to characters, in a form, and objects in a stream of objects.
func compositePDF() []byte {
	table := "1 begincodespacerange <0000> <ffff> endcodespacerange 2 beginbfrange <0001> <0003> <0061> <0010> <0011> [<00660069> <D83DDEA2>] endbfrange 1 beginbfchar <0020> <0020> endbfchar"
	inner := []string{
		"<< /Type /Pages /Kids [4 0 R] >>", "<< /Type /Page /Contents [6 0 R] /Resources << /XObject << /X 7 0 R >> >> >>",
		"<< /Type /Font /Subtype /Type0 /ToUnicode 8 0 R /DescendantFonts [<< /DW 500 /W [1 [600 600] 3 9 700] >>] >>",
	}
	numbers := []int{3, 4, 5}
	var head, body strings.Builder
	for i, s := range inner {
		fmt.Fprintf(&head, "%d %d ", numbers[i], body.Len())
		body.WriteString(s + " ")
	}
	return pdfOf("",
		pdfPart{dict: "<< /Type /Catalog /Pages 3 0 R >>"},
		pdfPart{dict: fmt.Sprintf("/Type /ObjStm /N 3 /First %d /Filter /FlateDecode", head.Len()), stream: deflate(head.String() + body.String())},
		pdfPart{}, pdfPart{}, pdfPart{},
		pdfPart{stream: "q 1 0 0 1 50 50 cm /X Do Q"},
		pdfPart{dict: "/Type /XObject /Subtype /Form /Resources << /Font << /F 5 0 R >> >>", stream: "BT /F 12 Tf 1 0 0 1 0 0 Tm <000100020003> Tj 0 -14 Td [<0010> -500 <0011>] TJ ET"},
		pdfPart{stream: table},
	)
}
