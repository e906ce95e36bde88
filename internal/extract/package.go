package extract

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html/charset"
)

// maxParts bounds the files in a package: what the directory of an archive costs is out of proportion to its bytes.
const maxParts = 20_000

// parcel is an office document: an archive of XML files, with what may still be unpacked of it.
type parcel struct {
	ctx   context.Context
	files map[string]*zip.File
	left  int64
	steps int
}

// unpack opens an archive. It reads its directory only.
func unpack(ctx context.Context, data []byte) (*parcel, error) {
	if bytes.Count(data, []byte("PK\x01\x02")) > maxParts {
		return nil, errTooMuch
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errors.Join(errBroken, err)
	}
	p := &parcel{ctx: ctx, files: make(map[string]*zip.File, len(z.File)), left: maxInflated}
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, errEncrypted
		}
		p.files[strings.TrimPrefix(f.Name, "/")] = f
	}
	return p, nil
}

// packed says which office document an archive is, or that it is an archive.
func packed(data []byte) string {
	p, err := unpack(context.Background(), data)
	if err != nil {
		return archive
	}
	for part, media := range map[string]string{
		"word/document.xml": office + "wordprocessingml.document", "xl/workbook.xml": office + "spreadsheetml.sheet",
		"ppt/presentation.xml": office + "presentationml.presentation",
	} {
		if p.files[part] != nil {
			return media
		}
	}
	if p.files["content.xml"] != nil && p.files["mimetype"] != nil {
		if r, err := p.files["mimetype"].Open(); err == nil {
			name, _ := io.ReadAll(io.LimitReader(r, 200)) // what cannot be read is no known type
			_ = r.Close()
			media := strings.TrimSpace(string(name))
			if s, ok := synonyms[media]; ok {
				media = s
			}
			if strings.HasPrefix(media, odf) {
				return media
			}
		}
	}
	return archive
}

// numbered lists the files called prefix + a number + suffix, by number.
func (p *parcel) numbered(prefix, suffix string) []string {
	var list []string
	for name := range p.files {
		if middle, ok := strings.CutPrefix(name, prefix); ok {
			if digits, ok := strings.CutSuffix(middle, suffix); ok && digits != "" && strings.Trim(digits, "0123456789") == "" && len(digits) < 7 {
				list = append(list, name)
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return list
}

// budget reads from a part until the parcel's bytes are spent.
type budget struct {
	r io.Reader
	p *parcel
}

func (b budget) Read(buf []byte) (int, error) {
	if b.p.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.r.Read(buf[:min(int64(len(buf)), b.p.left)])
	b.p.left -= int64(n)
	return n, err
}

// maxEquals bounds the attributes of one element, each of which takes many times the memory of its text, by the signs of equality between two
// marks that open an element.
const maxEquals = 100_000

// attributes reads XML until one element has too many attributes. No attribute goes without a sign of equality or holds what opens an
// element, so that within one the count never starts anew.
type attributes struct {
	r      io.Reader
	equals int
}

func (a *attributes) Read(buf []byte) (int, error) {
	n, err := a.r.Read(buf)
	last := bytes.LastIndexByte(buf[:n], '<')
	if last >= 0 {
		a.equals = 0
	}
	if a.equals += bytes.Count(buf[last+1:n], []byte("=")); a.equals > maxEquals {
		return n, errTooMuch
	}
	return n, err
}

// xml calls each with the tokens of a part; one that is missing has none. Tokens are raw: names keep their prefix in Name.Space, nothing is
// nested on any stack, and entities of the document's own are an error.
func (p *parcel) xml(name string, each func(xml.Token)) error {
	f := p.files[name]
	if f == nil {
		return nil
	}
	part, err := f.Open()
	if err != nil {
		return errors.Join(errBroken, err)
	}
	defer func() { _ = part.Close() }() // read only
	d := xml.NewDecoder(&attributes{r: budget{part, p}})
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		r, err := charset.NewReaderLabel(label, in)
		return &attributes{r: r}, err
	}
	for {
		if p.steps++; p.steps%4096 == 0 && p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		t, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errTooMuch):
			return errTooMuch
		case err != nil:
			return errors.Join(errBroken, err)
		}
		each(t)
	}
}

// attribute returns the value of an attribute by its local name.
func attribute(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// titleIn returns the text of the first title element of a part.
func (p *parcel) titleIn(part string) (string, error) {
	var out text
	inside, done := false, false
	err := p.xml(part, func(t xml.Token) {
		switch t := t.(type) {
		case xml.StartElement:
			inside = t.Name.Local == "title" && !done
		case xml.EndElement:
			done = done || inside
			inside = false
		case xml.CharData:
			if inside {
				out.write(string(t))
			}
		}
	})
	return out.String(), err
}
