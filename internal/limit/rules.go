package limit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Name is one limit.
type Name uint8

// The limits.
const (
	Others     Name = iota // of operations without a limit of their own; their zero value
	Deployment             // all requests
	Address                // the requests of an address
	User                   // the requests of a person
	Token                  // the requests of a token that acts for many
	Agents                 // from here on, requests of a person or token to one operation
	Autocomplete
	Chat
	Feed
	People
	Recommendations
	Search
	Summarize
	IndexDocument
	IndexDocuments // documents, not requests
	CustomMetadata // of one group
	names
)

// Rate is so many in so long. The zero Rate is none.
type Rate struct {
	Count int
	Per   time.Duration // a second, a minute or an hour
	Burst int           // how many at once, after a pause
}

// String is the rate as settings spell it.
func (r Rate) String() string {
	if r.Count == 0 {
		return "off"
	}
	text := strconv.Itoa(r.Count)
	for unit, per := range units {
		if per == r.Per {
			text += "/" + unit
		}
	}
	if r.Burst != burstOf(r) {
		text += ":" + strconv.Itoa(r.Burst)
	}
	return text
}

var units = map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}

// burstOf is the burst of a rate that names none: what fits into its own time, and five at least, since a page that
// opens asks several things at once.
func burstOf(r Rate) int { return max(5, r.Count) }

// described says of each limit what it is called, whose requests it counts, and its published rate.
var described = [names]struct {
	name, of, standard string
}{
	Others:          {"others", "for each person or token, to all other operations", "30/s"},
	Deployment:      {"deployment", "for the whole server", "8000/min"},
	Address:         {"address", "for each address", "100/s"},
	User:            {"user", "for each person", "30/s"},
	Token:           {"token", "for each token that acts for many", "100/s"},
	Agents:          {"agents", "for each person, to run agents", "30/min:5"},
	Autocomplete:    {"autocomplete", "for each person", "10/s"},
	Chat:            {"chat", "for each person", "30/min:5"},
	Feed:            {"feed", "for each person", "7/s"},
	People:          {"people", "for each person", "5/s"},
	Recommendations: {"recommendations", "for each person", "30/min:5"},
	Search:          {"search", "for each person", "5/s"},
	Summarize:       {"summarize", "for each person", "30/min:5"},
	IndexDocument:   {"indexdocument", "for each token", "10/s"},
	IndexDocuments:  {"indexdocuments", "of documents for each token", "600/min"},
	CustomMetadata:  {"custommetadata", "for each group", "5/s:300"},
}

// String is the limit's name in settings and metrics.
func (n Name) String() string { return described[n].name }

// Rules say which limits there are. The zero Rules limit nothing.
type Rules struct{ rates [names]Rate }

// Rate returns the rate of a limit, zero for none.
func (r Rules) Rate(n Name) Rate { return r.rates[n] }

func (r Rules) empty() bool { return r == Rules{} }

// Standard are the published rates of the API that sheaf speaks.
func Standard() Rules {
	var r Rules
	for n := range names {
		r.rates[n], _ = parseRate(described[n].standard) // a test parses them all
	}
	return r
}

// Parse reads rules from a setting: a list of "off", "standard", NAME=RATE and NAME=off, where later entries win. A RATE
// is COUNT/s, COUNT/min or COUNT/h, followed by :BURST where the burst is not a RATE's own.
func Parse(list []string) (Rules, error) {
	var r Rules
	for _, item := range list {
		name, text, given := strings.Cut(item, "=")
		switch {
		case !given && item == "off":
			r = Rules{}
			continue
		case !given && item == "standard":
			r = Standard()
			continue
		case !given:
			return r, fmt.Errorf("%q is neither off, nor standard, nor NAME=RATE", item)
		}
		n, ok := named(name)
		if !ok {
			return r, fmt.Errorf("there is no limit %q; the limits are %s", name, strings.Join(Names(), ", "))
		}
		rate, err := parseRate(text)
		if err != nil {
			return r, err
		}
		r.rates[n] = rate
	}
	return r, nil
}

// Names lists the limits as settings spell them.
func Names() []string {
	list := make([]string, 0, names)
	for n := range names {
		list = append(list, n.String())
	}
	return list
}

func named(name string) (Name, bool) {
	for n := range names {
		if n.String() == name {
			return n, true
		}
	}
	return 0, false
}

// maxCount bounds a rate and a burst: beyond it they limit nothing, and their product with a time still fits.
const maxCount = 1_000_000

func parseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	bad := fmt.Errorf("%q is no rate; write it as 10/s, 600/min or 5/s:300, or off", text)
	text, burst, hasBurst := strings.Cut(text, ":")
	count, unit, ok := strings.Cut(text, "/")
	per, known := units[unit]
	n, err := strconv.Atoi(count)
	if !ok || !known || err != nil || n < 1 || n > maxCount {
		return Rate{}, bad
	}
	r := Rate{Count: n, Per: per}
	r.Burst = burstOf(r)
	if hasBurst {
		if r.Burst, err = strconv.Atoi(burst); err != nil || r.Burst < 1 || r.Burst > maxCount {
			return Rate{}, bad
		}
	}
	return r, nil
}

// NameOf returns the limit of the operation "METHOD /path".
func NameOf(operation string) Name {
	switch operation {
	case "POST /rest/api/v1/agents/runs/wait", "POST /rest/api/v1/agents/runs/stream", "POST /api/agents/{agent_id}/runs":
		return Agents
	case "POST /rest/api/v1/autocomplete":
		return Autocomplete
	case "POST /rest/api/v1/chat", "POST /api/chat":
		return Chat
	case "POST /rest/api/v1/feed":
		return Feed
	case "POST /rest/api/v1/people":
		return People
	case "POST /rest/api/v1/recommendations":
		return Recommendations
	case "POST /rest/api/v1/search", "POST /rest/api/v1/adminsearch", "POST /api/search":
		return Search
	case "POST /rest/api/v1/summarize":
		return Summarize
	case "POST /api/index/v1/indexdocument":
		return IndexDocument
	case "POST /api/index/v1/indexdocuments":
		return IndexDocuments
	}
	if strings.Contains(operation, "/custom-metadata/") && strings.HasSuffix(operation, "{groupName}") {
		return CustomMetadata
	}
	return Others
}
