package documents

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/sheafsearch/sheaf/internal/corpus"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/index"
	"github.com/sheafsearch/sheaf/internal/wire"
)

// Bounds of a page of messages. It ends where the time changes, for a client pages by time alone: a page that ended among
// messages of one second would lose those after it.
const (
	messagePage = 50
	messageMost = index.MaxSize
	// maxMessage bounds the text of one message in an answer, in bytes.
	maxMessage = 20_000
	// A thread's document is looked for under so many types of a datasource, and so many names in all.
	maxKinds   = 200
	maxThreads = 5000
)

// messaging is the category of datasources, and of kinds of document, that hold conversations.
const messaging = "MESSAGING"

// MessagesRequest asks for the messages of a conversation around a time.
type MessagesRequest struct {
	IDType      IDType    `json:"idType"`
	ID          string    `json:"id"`
	WorkspaceID string    `json:"workspaceId,omitzero"`
	Direction   Direction `json:"direction,omitzero"`       // OLDER where absent
	Timestamp   int64     `json:"timestampMillis,omitzero"` // 0 is now for OLDER, and the beginning for NEWER
	IncludeRoot bool      `json:"includeRootMessage,omitzero"`
	Datasource  string    `json:"datasource"`
	Instance    string    `json:"datasourceInstanceDisplayName,omitzero"`
}

// IDType says what an id names.
type IDType string

// The kinds of id.
const (
	ChannelName    IDType = "CHANNEL_NAME"    // the container, by the name that people know, with or without "#"
	ConversationID IDType = "CONVERSATION_ID" // the container, by the id that the datasource gives it
	ThreadID       IDType = "THREAD_ID"       // a document, and those whose container it is
)

// Direction says on which side of the time the messages lie.
type Direction string

// The directions.
const (
	Older Direction = "OLDER" // the latest first
	Newer Direction = "NEWER" // the earliest first
)

// MessagesResponse is a page of messages, in the form of a search's answer.
type MessagesResponse struct {
	HasMore bool      `json:"hasMore"`
	Root    *Message  `json:"rootMessage,omitzero"`
	Found   *Messages `json:"searchResponse,omitzero"`
}

// Messages are results of a search.
type Messages struct {
	Results  []Message       `json:"results"`
	HasMore  bool            `json:"hasMoreResults"`
	Metadata MessageMetadata `json:"metadata"`
}

// MessageMetadata is what clients read of every search's answer, unguarded: nothing was asked for in words.
type MessageMetadata struct {
	SearchedQuery   string `json:"searchedQuery"`
	WithoutNegation string `json:"searchedQueryWithoutNegation"`
}

// Message is one message, or a thread that its datasource keeps as one document.
type Message struct {
	Title    string        `json:"title,omitzero"`
	URL      string        `json:"url"`
	Document wire.Document `json:"document"`
	FullText string        `json:"fullText,omitzero"`
}

// messages reads a conversation. Conversations that do not exist, hidden ones and empty ones have the same answer.
func (s *Service) messages(ctx context.Context, c grant.Caller, req MessagesRequest) (MessagesResponse, error) {
	resp := MessagesResponse{Found: &Messages{Results: []Message{}}}
	if err := req.check(); err != nil {
		return resp, err
	}
	sources, err := s.conversations(ctx, c, req)
	if err != nil || len(sources) == 0 {
		return resp, err
	}
	var threads []string
	if req.IDType == ThreadID {
		if threads, err = s.threads(ctx, c, sources, req.ID); err != nil {
			return resp, err
		}
	}
	keys, more, err := s.around(ctx, c, req, sources, threads)
	if err != nil {
		return resp, err
	}
	resp.HasMore, resp.Found.HasMore = more, more
	var roots []string
	if req.IncludeRoot {
		roots = threads
	}
	found, err := s.spoken(ctx, c, append(slices.Clone(keys), roots...))
	if err != nil {
		return resp, err
	}
	for _, key := range keys {
		if m, ok := found[key]; ok {
			resp.Found.Results = append(resp.Found.Results, m)
		}
	}
	for _, key := range roots {
		if m, ok := found[key]; ok {
			resp.Root = &m
			break
		}
	}
	return resp, nil
}

func (r *MessagesRequest) check() error {
	switch r.IDType {
	case ChannelName, ConversationID, ThreadID:
	default:
		return fault.New(fault.Invalid, "idType is CHANNEL_NAME, THREAD_ID or CONVERSATION_ID.").WithField("idType")
	}
	switch {
	case r.ID == "":
		return fault.New(fault.Invalid, "Name the conversation by its id.").WithField("id")
	case r.Datasource == "":
		return fault.New(fault.Invalid, "Name the datasource that the conversation is in.").WithField("datasource")
	case r.Direction != "" && r.Direction != Older && r.Direction != Newer:
		return fault.New(fault.Invalid, "direction is OLDER or NEWER.").WithField("direction")
	case r.Timestamp < 0:
		return fault.New(fault.Invalid, "timestampMillis is negative.").WithField("timestampMillis")
	}
	return nil
}

// products are the names of datasources that the API knows. Its clients can send no others, whatever a company calls its
// own.
func products() []string {
	return []string{"SLACK", "SLACKENTGRID", "MICROSOFTTEAMS", "GCHAT", "FACEBOOKWORKPLACE"}
}

// conversations returns the datasources that are meant, of those that the caller may see: the one of that name, in any
// case, or, where a product is named that no datasource is called by, all that hold conversations. The display name of an
// instance narrows them.
func (s *Service) conversations(ctx context.Context, c grant.Caller, req MessagesRequest) ([]corpus.Datasource, error) {
	visible, err := s.corpus.Visible(ctx, c)
	if err != nil {
		return nil, err
	}
	var named, talking []corpus.Datasource
	for _, d := range visible {
		if req.Instance != "" && !strings.EqualFold(d.DisplayName, req.Instance) && !strings.EqualFold(d.Name, req.Instance) {
			continue
		}
		if !talks(&d) {
			continue
		}
		talking = append(talking, d)
		if strings.EqualFold(d.Name, req.Datasource) {
			named = append(named, d)
		}
	}
	if len(named) == 0 && slices.Contains(products(), strings.ToUpper(req.Datasource)) {
		named = talking
	}
	return named, nil
}

// talks reports whether a datasource holds conversations.
func talks(d *corpus.Datasource) bool {
	return d.Category == messaging || slices.ContainsFunc(d.Objects, func(o corpus.ObjectDefinition) bool { return o.Category == messaging })
}

// kinds is the test that a document of a datasource is a message: of a kind declared so, and in a datasource of conversations of
// any kind that is not declared to be something else.
func kinds(d *corpus.Datasource) index.Filter {
	var said, other []string
	for _, o := range d.Objects {
		switch {
		case o.Name == "":
		case o.Category == messaging:
			said = append(said, o.Name)
		case o.Category != "":
			other = append(other, o.Name)
		}
	}
	if d.Category != messaging {
		return index.Has{Field: "type", Values: said}
	}
	return index.Not{Filter: index.Has{Field: "type", Values: other}}
}

// threads lists the keys that a thread's document can have: of each type that the caller sees documents of, declared or not.
func (s *Service) threads(ctx context.Context, c grant.Caller, sources []corpus.Datasource, id string) (keys []string, err error) {
	for i := range sources {
		name := sources[i].Name
		found, err := s.index.Search(ctx, c, index.Query{
			Filter: index.Has{Field: "datasource", Values: []string{name}}, Facets: []index.FacetRequest{{Field: "type", Size: maxKinds}},
		})
		if err != nil {
			return nil, err
		}
		keys = append(keys, corpus.Ref{Datasource: name, ID: id}.Key())
		for _, b := range found.Facets[0].Buckets {
			keys = append(keys, corpus.Ref{Datasource: name, ObjectType: b.Value, ID: id}.Key())
		}
		if len(keys) > maxThreads {
			break
		}
	}
	return keys, nil
}

// filter is the condition on the messages that are asked for.
func (r *MessagesRequest) filter(sources []corpus.Datasource, threads []string) index.Filter {
	var places index.Any
	for i := range sources {
		places = append(places, index.All{index.Has{Field: "datasource", Values: []string{sources[i].Name}}, kinds(&sources[i])})
	}
	all := index.All{places}
	switch r.IDType {
	case ChannelName:
		name := strings.TrimPrefix(r.ID, "#")
		all = append(all, index.Has{Field: "container", Values: []string{name, "#" + name}})
	case ConversationID:
		all = append(all, index.Has{Field: "containerid", Values: []string{r.ID}})
	case ThreadID:
		all = append(all, index.Any{index.Has{Field: "containerid", Values: []string{r.ID}}, index.Keys(threads)})
	}
	if r.WorkspaceID != "" {
		// Those that say which workspace they are of must be of this one.
		all = append(all, index.Any{index.Has{Field: "workspaceid", Values: []string{r.WorkspaceID}}, index.Missing{Field: "workspaceid"}})
	}
	switch {
	case r.Timestamp == 0:
	case r.Direction == Newer:
		all = append(all, index.Within{Field: index.FieldUpdated, From: r.Timestamp/1000 + 1, To: math.MaxInt64})
	default:
		// A message of this second but an earlier millisecond does not exist: times are whole seconds.
		all = append(all, index.Within{Field: index.FieldUpdated, From: math.MinInt64, To: (r.Timestamp + 999) / 1000})
	}
	return all
}

// around returns the keys of a page of messages, and whether there are more on that side.
func (s *Service) around(ctx context.Context, c grant.Caller, req MessagesRequest, sources []corpus.Datasource, threads []string) (keys []string, more bool, err error) {
	q := index.Query{Filter: req.filter(sources, threads), Size: messagePage + 1, Sort: index.ByNewest}
	if req.Direction == Newer {
		q.Sort = index.ByOldest
	}
	for {
		found, err := s.index.Search(ctx, c, q)
		if err != nil {
			return nil, false, err
		}
		keys = index.KeysOf(found.Hits)
		if found.Next == nil && len(keys) <= messagePage {
			return keys, false, nil
		}
		n, err := s.cut(ctx, c, keys)
		if err != nil {
			return nil, false, err
		}
		switch {
		case n > 0:
			return keys[:n], true, nil
		case q.Size == messageMost || found.Next == nil:
			return keys, found.Next != nil, nil
		}
		q.Size = messageMost
	}
}

// cut is how many of the keys make a page: about messagePage, up to where the time changes. It is 0 where it does not change
// behind that.
func (s *Service) cut(ctx context.Context, c grant.Caller, keys []string) (int, error) {
	docs, err := s.corpus.Outline(ctx, c, keys...)
	if err != nil {
		return 0, err
	}
	var at []int64
	for _, key := range keys {
		t := int64(math.MinInt64) // gone since the index was written
		if d := docs[key]; d != nil {
			t = cmp.Or(d.UpdatedAt, d.CreatedAt)
		} else if len(at) > 0 {
			t = at[len(at)-1]
		}
		at = append(at, t)
	}
	for n := messagePage; n < len(at); n++ {
		if at[n] != at[n-1] {
			return n, nil
		}
	}
	// None behind the page: before it will do.
	for n := min(messagePage, len(at)-1); n > 0; n-- {
		if at[n] != at[n-1] {
			return n, nil
		}
	}
	return 0, nil
}

// spoken returns those of the messages that the caller may see, with their text.
func (s *Service) spoken(ctx context.Context, c grant.Caller, keys []string) (map[string]Message, error) {
	people, err := s.directory.Roster(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Message, len(keys))
	for part := range slices.Chunk(keys, readAtOnce) {
		docs, err := s.corpus.Get(ctx, c, part...)
		if err != nil {
			return nil, err
		}
		for key, d := range docs {
			found[key] = Message{Title: d.Title, URL: d.ViewURL, Document: show(people, d), FullText: cutText(d.Body, maxMessage)}
		}
	}
	return found, nil
}

// cutText returns the beginning of a text, at most so many bytes of whole characters. It does not hold on to the rest.
func cutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:limit], ""))
}
