package extract

import (
	"bytes"
	"context"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// kind is a format that can be read.
type kind struct {
	mime  string
	name  string // in a sentence
	heavy bool   // it is unpacked, which takes memory
	read  func(ctx context.Context, data []byte, charset string) (title, body string, err error)
}

const (
	office = "application/vnd.openxmlformats-officedocument."
	odf    = "application/vnd.oasis.opendocument."
)

// kinds returns the formats by media type.
func kinds() []kind {
	return []kind{
		{"text/plain", "text", false, readPlain},
		{"text/html", "HTML", false, readHTML},
		{"application/xhtml+xml", "HTML", false, readHTML},
		{"text/markdown", "Markdown", false, readMarkdown},
		{"text/x-markdown", "Markdown", false, readMarkdown},
		{"application/rtf", "RTF", true, readRTF},
		{"application/pdf", "PDF", true, readPDF},
		{office + "wordprocessingml.document", "Word document", true, readWord},
		{office + "spreadsheetml.sheet", "Excel workbook", true, readExcel},
		{office + "presentationml.presentation", "PowerPoint presentation", true, readPowerPoint},
		{odf + "text", "OpenDocument text", true, readOpenDocument},
		{odf + "spreadsheet", "OpenDocument spreadsheet", true, readOpenDocument},
		{odf + "presentation", "OpenDocument presentation", true, readOpenDocument},
	}
}

// synonyms are other names of types, among them those of templates and of documents with macros.
var synonyms = map[string]string{
	"application/x-pdf": "application/pdf", "text/rtf": "application/rtf", "application/x-rtf": "application/rtf",
	office + "wordprocessingml.template":                         office + "wordprocessingml.document",
	office + "spreadsheetml.template":                            office + "spreadsheetml.sheet",
	office + "presentationml.slideshow":                          office + "presentationml.presentation",
	office + "presentationml.template":                           office + "presentationml.presentation",
	"application/vnd.ms-word.document.macroenabled.12":           office + "wordprocessingml.document",
	"application/vnd.ms-excel.sheet.macroenabled.12":             office + "spreadsheetml.sheet",
	"application/vnd.ms-powerpoint.presentation.macroenabled.12": office + "presentationml.presentation",
	odf + "text-template":                                        odf + "text",
	odf + "spreadsheet-template":                                 odf + "spreadsheet",
	odf + "presentation-template":                                odf + "presentation",
}

// byExtension says what a file of unknown type may be by its name.
var byExtension = map[string]string{
	".txt": "text/plain", ".text": "text/plain", ".log": "text/plain", ".csv": "text/plain", ".tsv": "text/plain",
	".htm": "text/html", ".html": "text/html", ".xhtml": "application/xhtml+xml", ".md": "text/markdown", ".markdown": "text/markdown",
}

// undecided are types that say nothing.
func undecided(media string) bool {
	switch media {
	case "", "application/octet-stream", "binary/octet-stream", "application/x-download", "application/force-download", "application/unknown":
		return true
	}
	return false
}

// refused are types that the API does not take: all but text, and some of that.
func refused(media string) bool {
	switch media {
	case "text/css", "text/xml", "text/json", "text/x-json":
		return true
	}
	return !strings.HasPrefix(media, "text/")
}

// detect says what content is, and in which charset its sender says that its text is.
func detect(c Content) (kind, string, error) {
	media, params, err := mime.ParseMediaType(c.MimeType)
	if err != nil && strings.TrimSpace(c.MimeType) != "" {
		return kind{}, "", fault.New(fault.Invalid, "The mimeType cannot be read. Write it like text/plain.").WithField("mimeType")
	}
	charset := strings.ToLower(params["charset"])
	if c.Characters {
		charset = "utf-8"
	}
	k, err := kindOf(c, media)
	return k, charset, err
}

// kindOf says what content is whose sender says that it is of a media type, "" for unknown.
func kindOf(c Content, media string) (kind, error) {
	if s, ok := synonyms[media]; ok {
		media = s
	}
	if found := signature(c, media); found != "" {
		return resolve(found)
	}
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.mime == media })
	switch {
	case i >= 0 && !all[i].heavy:
		return all[i], nil
	case undecided(media):
		return guess(c)
	case i >= 0 && c.Characters:
		return all[0], nil // the sender took the text out, and named the type that it had
	case i >= 0 && looksLikeHTML(c.Data):
		return resolve("text/html")
	case i >= 0:
		return kind{}, fault.Newf(fault.Invalid, "The content is declared %s and is no %s. Send what it is, or leave the mimeType empty.", media, all[i].name).WithField("mimeType")
	case refused(media):
		return kind{}, unsupported(media)
	}
	return all[0], nil
}

// guess finds out what content without a telling type is.
func guess(c Content) (kind, error) {
	if looksLikeHTML(c.Data) {
		return resolve("text/html")
	}
	if !c.Characters && !textual(c.Data) {
		return kind{}, unsupported("unknown")
	}
	if media, ok := byExtension[strings.ToLower(path.Ext(c.Filename))]; ok {
		return resolve(media)
	}
	return resolve("text/plain")
}

// resolve returns the kind of a media type that is known, or why it is not read.
func resolve(media string) (kind, error) {
	for _, k := range kinds() {
		if k.mime == media {
			return k, nil
		}
	}
	return kind{}, unsupported(media)
}

func unsupported(media string) error {
	why := "Content of type " + media + " is not supported."
	switch media {
	case legacyOffice:
		why = "Office files of the formats before 2007, and encrypted ones, are not supported. Save as docx, xlsx or pptx without a password."
	case "unknown":
		why = "What the content is cannot be told from its bytes. Name its mimeType."
	}
	return fault.New(fault.Invalid, why+" Send text/plain, text/html, text/markdown, PDF, RTF, or the files of Word, Excel, PowerPoint or OpenDocument.").WithField("mimeType")
}

// Names of what is told by its first bytes and not read.
const (
	legacyOffice = "application/x-ole-storage"
	archive      = "application/zip"
)

// signature returns the media type that the first bytes prove, or "". Text proves nothing but RTF, which is text.
func signature(c Content, declared string) string {
	data := c.Data
	const pdfMark = "%PDF-"
	switch {
	case bytes.HasPrefix(data, []byte(`{\rtf`)):
		return "application/rtf"
	case c.Characters:
		return ""
	case bytes.HasPrefix(data, []byte(pdfMark)), declared == "application/pdf" && bytes.Contains(data[:min(len(data), 1024)], []byte(pdfMark)):
		return "application/pdf"
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return legacyOffice
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return packed(data)
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return "application/gzip"
	case bytes.HasPrefix(data, []byte("\x89PNG")), bytes.HasPrefix(data, []byte("\xff\xd8\xff")), bytes.HasPrefix(data, []byte("GIF8")):
		return "image/*"
	}
	return ""
}

// looksLikeHTML reports whether content begins as a page does.
func looksLikeHTML(data []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 1024)], []byte("\ufeff"))))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// textual reports whether content may be text: it has no control characters that text does not have, or the mark of UTF-16.
func textual(data []byte) bool {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return true
	}
	for _, b := range data[:min(len(data), 4096)] {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != '\f' && b != 0x1b {
			return false
		}
	}
	return true
}
