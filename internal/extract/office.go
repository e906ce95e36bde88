package extract

import (
	"context"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// Where Office Open XML keeps the title.
const officeTitle = "docProps/core.xml"

// readParcel reads the title in a part of an office document, and its text.
func readParcel(ctx context.Context, data []byte, titlePart string, read func(p *parcel, out *text) error) (title, body string, err error) {
	p, err := unpack(ctx, data)
	if err != nil {
		return "", "", err
	}
	var out text
	if err = read(p, &out); err != nil {
		return "", "", err
	}
	if title, err = p.titleIn(titlePart); err != nil {
		return "", "", err
	}
	body, err = out.done()
	return title, tidy(body), err
}

func readWord(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	return readParcel(ctx, data, officeTitle, func(p *parcel, out *text) error {
		return p.eachRuns([]string{"word/document.xml", "word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"}, out)
	})
}

// eachRuns reads the text of parts with runs, and ends the line after each.
func (p *parcel) eachRuns(parts []string, out *text) error {
	for _, part := range parts {
		if err := p.runs(part, out); err != nil {
			return err
		}
		out.write("\n")
	}
	return nil
}

// runs reads the text of a part of a document or of slides: what stands in elements t, with the breaks between them.
func (p *parcel) runs(part string, out *text) error {
	inText := false
	skipped := "" // the element that we are in and do not read
	depth := 0
	return p.xml(part, func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			switch local := t.Name.Local; {
			case skipped != "":
				if local == skipped {
					depth++
				}
			case local == "Fallback": // says again what the choice before it says
				skipped, depth = local, 1
			case local == "t":
				inText = true
			case local == "tab":
				out.write("\t")
			case local == "br" || local == "cr":
				out.write("\n")
			}
		case xml.EndElement:
			switch local := t.Name.Local; {
			case skipped != "":
				if local == skipped {
					if depth--; depth == 0 {
						skipped = ""
					}
				}
			case local == "t":
				inText = false
			case local == "p" || local == "tr":
				out.write("\n")
			case local == "tc":
				out.write("\t")
			}
		case xml.CharData:
			if inText && skipped == "" {
				out.write(string(t))
			}
		}
	})
}

func readPowerPoint(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	return readParcel(ctx, data, officeTitle, func(p *parcel, out *text) error {
		return p.eachRuns(slices.Concat(p.numbered("ppt/slides/slide", ".xml"), p.numbered("ppt/notesSlides/notesSlide", ".xml")), out)
	})
}

func readExcel(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	return readParcel(ctx, data, officeTitle, (*parcel).workbook)
}

// workbook reads the names of the sheets, and then their cells.
func (p *parcel) workbook(out *text) error {
	shared, err := p.sharedTexts()
	if err != nil {
		return err
	}
	err = p.xml("xl/workbook.xml", func(t xml.Token) {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sheet" {
			out.write(attribute(e, "name"))
			out.write("\n")
		}
	})
	if err != nil {
		return err
	}
	for _, part := range p.numbered("xl/worksheets/sheet", ".xml") {
		if err := p.sheet(part, shared, out); err != nil {
			return err
		}
	}
	return nil
}

// sharedTexts reads the texts that the cells of a workbook refer to by number.
func (p *parcel) sharedTexts() ([]string, error) {
	var list []string
	var now strings.Builder
	inText, phonetic, size := false, false, 0
	err := p.xml("xl/sharedStrings.xml", func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = true
			case "rPh": // how the text is pronounced
				phonetic = true
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				inText = false
			case "rPh":
				phonetic = false
			case "si":
				if size += now.Len() + 16; size <= 4*MaxText {
					list = append(list, now.String())
				}
				now.Reset()
			}
		case xml.CharData:
			if inText && !phonetic && now.Len() < MaxText {
				now.Write(t)
			}
		}
	})
	if err == nil && size > 4*MaxText {
		err = errTooMuch
	}
	return list, err
}

// sheet reads the cells of a sheet, a row a line.
func (p *parcel) sheet(part string, shared []string, out *text) error {
	var kind string
	var value strings.Builder
	inValue := false
	return p.xml(part, func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "c":
				kind = attribute(t, "t")
				value.Reset()
			case "v", "t":
				inValue = true
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v", "t":
				inValue = false
			case "row":
				out.write("\n")
			case "c":
				s := value.String()
				switch kind {
				case "s":
					n, err := strconv.Atoi(strings.TrimSpace(s))
					if s = ""; err == nil && n >= 0 && n < len(shared) {
						s = shared[n]
					}
				case "b":
					s = map[string]string{"1": "TRUE", "0": "FALSE"}[strings.TrimSpace(s)]
				}
				if s != "" {
					out.write(s)
					out.write("\t")
				}
			}
		case xml.CharData:
			if inValue && value.Len() < MaxText {
				value.Write(t)
			}
		}
	})
}

func readOpenDocument(ctx context.Context, data []byte, _ string) (title, body string, err error) {
	return readParcel(ctx, data, "meta.xml", func(p *parcel, out *text) error {
		encrypted := false // such documents say so in their manifest, and their content is noise
		err := p.xml("META-INF/manifest.xml", func(t xml.Token) {
			if e, ok := t.(xml.StartElement); ok && e.Name.Local == "encryption-data" {
				encrypted = true
			}
		})
		switch {
		case err != nil:
			return err
		case encrypted:
			return errEncrypted
		}
		return p.paragraphs("content.xml", out)
	})
}

// paragraphs reads the text of OpenDocument: what stands in paragraphs and headings, without what was deleted and is still on record.
func (p *parcel) paragraphs(part string, out *text) error {
	in, deleted := 0, 0
	return p.xml(part, func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "tracked-changes":
				deleted++
			case "p", "h":
				in++
			case "s", "tab":
				out.write(" ")
			case "line-break":
				out.write("\n")
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "tracked-changes":
				deleted--
			case "p", "h":
				in--
				out.write(" ")
				if deleted <= 0 {
					out.write("\n")
				}
			case "table-cell":
				out.write("\t")
			case "table-row":
				out.write("\n")
			}
		case xml.CharData:
			if in > 0 && deleted <= 0 {
				out.write(string(t))
			}
		}
	})
}
