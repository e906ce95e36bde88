package documents

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/extract"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// document makes a corpus document of what was sent, with the text of its parts.
func (s *Service) document(ctx context.Context, d *Document) (corpus.Document, error) {
	out := corpus.Document{
		ObjectType: d.ObjectType, ID: d.ID, Title: d.Title, ViewURL: d.ViewURL, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Permissions: d.Permissions.permissions(),
		Filename:    d.Filename, Container: d.Container, ContainerID: d.ContainerDatasourceID, ContainerObjectType: d.ContainerObjectType,
		Author: corpus.User(d.Author), Owner: corpus.User(d.Owner), UpdatedBy: corpus.User(d.UpdatedBy),
		Tags: d.Tags, Status: d.Status, AdditionalURLs: d.AdditionalURLs, NativeAppURL: d.NativeAppURL,
		Interactions: corpus.Interactions{Views: d.Interactions.NumViews, Likes: d.Interactions.NumLikes, Comments: d.Interactions.NumComments},
	}
	body, err := s.text(ctx, &d.Body, d.Filename, "body")
	if err != nil {
		return out, err
	}
	out.Body, out.MimeType = body.Text, body.MimeType
	if out.Title == "" {
		out.Title = body.Title
	}
	summary, err := s.text(ctx, &d.Summary, "", "summary")
	if err != nil {
		return out, err
	}
	out.Summary = summary.Text
	for i := range d.Comments {
		c := &d.Comments[i]
		said, err := s.text(ctx, &c.Content, "", fmt.Sprintf("comments[%d].content", i))
		if err != nil {
			return out, err
		}
		out.Comments = append(out.Comments, corpus.Comment{
			ID: c.ID, Author: corpus.User(c.Author), Text: said.Text, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, UpdatedBy: corpus.User(c.UpdatedBy),
		})
	}
	for _, p := range d.CustomProperties {
		out.Properties = append(out.Properties, corpus.Property{Name: p.Name, Value: p.Value})
	}
	return out, nil
}

// text takes the text out of a piece of content. One that is absent has none.
func (s *Service) text(ctx context.Context, c *Content, filename, field string) (extract.Text, error) {
	if *c == (Content{}) {
		return extract.Text{}, nil
	}
	if c.TextContent != "" && c.BinaryContent != "" {
		return extract.Text{}, unreadable(fault.New(fault.Invalid, "Content is textContent or binaryContent, not both."), field)
	}
	content := extract.Content{MimeType: c.MimeType, Filename: filename, Data: []byte(c.TextContent), Characters: true}
	if c.BinaryContent != "" {
		raw, err := decodeBase64(c.BinaryContent)
		if err != nil {
			return extract.Text{}, unreadable(fault.New(fault.Invalid, "binaryContent is not valid base64.").WithField("binaryContent").Wrap(err), field)
		}
		content.Data, content.Characters = raw, false
	}
	t, err := s.reader.Read(ctx, content)
	if err != nil {
		return t, unreadable(err, field)
	}
	return t, nil
}

// decodeBase64 takes base64 of either alphabet (RFC 4648), with and without the padding and line ends.
func decodeBase64(text string) ([]byte, error) {
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		return raw, nil
	}
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(text), "="))
}

// unreadable puts the place of content that cannot be read before a fault's field, and before its message where that is needed to find it.
func unreadable(err error, field string) error {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err
	}
	if f.Field != "" {
		field += "." + f.Field
	}
	return f.WithField(field).WithCode(codeContent)
}

// codeContent marks the faults of content, which does not leave this package.
const codeContent = "content"
