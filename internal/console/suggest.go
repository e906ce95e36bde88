package console

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// suggestView is a suggestion as the script of the search box reads it.
type suggestView struct {
	Kind  SuggestionKind `json:"kind"`
	Text  string         `json:"text"`
	About string         `json:"about,omitzero"`
	// Href leads on; Fill goes into the box instead.
	Href string `json:"href,omitzero"`
	Fill string `json:"fill,omitzero"`
	// ID names a document, whose opening is noted.
	ID string `json:"id,omitzero"`
}

// maxSuggestions is how many fit under the box without a bar to scroll by.
const maxSuggestions = 10

// suggest completes what stands in the box, for the script of the search page.
func (c *Console) suggest(v *visit) error {
	text := v.r.URL.Query().Get("q")
	if utf8.RuneCountInString(text) > maxQuery {
		text = cut(text, maxQuery)
	}
	list, err := c.cfg.Search.Suggest(v.r.Context(), v.person, text)
	if err != nil {
		return err
	}
	answer := struct {
		Suggestions []suggestView `json:"suggestions"`
	}{[]suggestView{}}
	for _, s := range list[:min(len(list), maxSuggestions)] {
		view := suggestView{Kind: s.Kind, Text: s.Text, About: s.About}
		switch s.Kind {
		case SuggestDocument:
			if view.Href, view.ID = linkable(s.URL), s.ID; view.Href == "" {
				continue
			}
		case SuggestOperator:
			view.Fill = s.Query
		default:
			view.Href = asked{Text: s.Query}.path()
		}
		answer.Suggestions = append(answer.Suggestions, view)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.w.WriteHeader(http.StatusOK)
	_, err = v.w.Write(body)
	return err
}

// viewed notes that the person follows a link to a document. The link itself leads to the document, so that it can be copied and
// opened anywhere, and nothing here redirects.
func (c *Console) viewed(v *visit) error {
	id := v.form.Get("document")
	if id == "" {
		return fault.New(fault.Invalid, "A document is named by its id.")
	}
	if err := c.cfg.Search.Viewed(v.r.Context(), v.person, id); err != nil {
		return err
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// helpView is the sheet of operators and keys.
type helpView struct {
	Operators, Keys []helpLine
}

type helpLine struct{ Code, What string }

// help is the sheet that says what can be typed. It is a page of its own, which the script opens over the search page.
func (c *Console) help(v *visit) error {
	return v.write(http.StatusOK, "help", v.frame("Searching"), helpView{
		Operators: []helpLine{
			{`"storm season"`, "the words side by side, in this order"},
			{"storm -drill", "storm, and without drill"},
			{"storm OR gale", "either of them"},
			{"calib*", "words that begin so"},
			{"app:wiki", "in one datasource"},
			{"type:page", "of one type"},
			{"from:mira", "written by somebody; from:me is you"},
			{"updated:past_week", "changed lately: past_day, past_month, past_year, today, yesterday"},
			{"after:2026-09-01", "changed after a day; before: the other way round"},
			{"tag:safety", "with a label"},
		},
		Keys: []helpLine{
			{"/", "to the search box"},
			{"j", "to the next result; also ↓"},
			{"k", "to the one before; also ↑"},
			{"Enter", "opens it"},
			{"Esc", "closes suggestions, then goes to the results"},
			{"?", "shows this sheet"},
		},
	})
}
