package console

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/grant"
)

// scopeWords is a scope with one line on what it opens.
type scopeWords struct {
	Scope grant.Scope
	What  string
}

// scopeGroup gathers scopes under what they are for.
type scopeGroup struct {
	Name   string
	Scopes []scopeWords
}

// scopeGroups lists every client scope once, in the order of the dialog.
func scopeGroups() []scopeGroup {
	return []scopeGroup{
		{"Find", []scopeWords{
			{grant.Search, "Search and complete queries."},
			{grant.Documents, "Read documents by id or facet."},
			{grant.Summarize, "Shorten one document to a few lines."},
			{grant.Entities, "List people, teams and custom things."},
			{grant.People, "Look up colleagues and their profiles."},
			{grant.Feed, "Read a person’s home feed."},
		}},
		{"Ask", []scopeWords{
			{grant.Chat, "Ask questions; read and delete chats."},
			{grant.Answers, "Keep curated questions and answers."},
			{grant.Agents, "List, run and edit agents."},
			{grant.Tools, "List tools and call them."},
			{grant.MCP, "Serve tools to MCP clients."},
		}},
		{"Curate", []scopeWords{
			{grant.Collections, "Gather documents in named lists."},
			{grant.Pins, "Fix documents to the top of a query."},
			{grant.Shortcuts, "Make and follow go links."},
			{grant.Announcements, "Publish news to chosen readers."},
			{grant.Verification, "Mark documents as checked."},
		}},
		{"Observe", []scopeWords{
			{grant.Activity, "Report views and edits from other apps."},
			{grant.Feedback, "Report clicks and votes on results."},
			{grant.Insights, "Read usage numbers."},
			{grant.DocPermissions, "Read who may see a document."},
		}},
	}
}

// roleWords is a role in the words of a page.
type roleWords struct {
	Role grant.Role
	Name string // "Super Admin"
	What string // what it may do, in a sentence
	Hue  string // class of its badge
}

// roles lists the roles from the greatest to the least.
func roles() []roleWords {
	return []roleWords{
		{grant.RoleSuperAdmin, "Super Admin", "Everything: roles, tokens of every kind, and revoking any of them.", "plum"},
		{grant.RoleAdmin, "Admin", "Datasources, indexing tokens, people, the audit log, and client tokens for themselves.", "accent"},
		{grant.RoleTokenCreator, "API Token Creator", "Search, and client tokens that act as themselves.", ""},
		{grant.RoleMember, "Member", "Search. This console stays closed.", ""},
	}
}

func roleOf(r grant.Role) roleWords {
	for _, w := range roles() {
		if w.Role == r {
			return w
		}
	}
	return roleWords{Role: r, Name: r.String()}
}

// face is the round sign beside a person's name.
type face struct{ Letters, Hue string }

// faceOf takes the first letters of the first and last word of name, and a hue that stays with seed.
func faceOf(name, seed string) face {
	name, _, _ = strings.Cut(name, "(") // what stands in brackets is the same name again
	words := strings.Fields(name)
	if len(words) == 0 {
		words = strings.FieldsFunc(seed, func(r rune) bool { return r == '.' || r == '@' || r == '-' })
		words = words[:min(len(words), 2)]
	}
	var letters []rune
	for i, w := range words {
		if i == 0 || i == len(words)-1 {
			r, _ := utf8.DecodeRuneInString(w)
			letters = append(letters, unicode.ToUpper(r))
		}
	}
	sum := 0
	for _, b := range []byte(seed) {
		sum += int(b)
	}
	return face{string(letters), []string{"", "b", "c", "d", "e"}[sum%5]}
}
