package shortcut_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/shortcut"
	"github.com/sheafsearch/sheaf/internal/sqldb"
	"github.com/sheafsearch/sheaf/internal/sqldb/sqldbtest"
	"github.com/sheafsearch/sheaf/internal/upload"
	"github.com/sheafsearch/sheaf/internal/upload/uploadtest"
)

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"lunch":                  "lunch",
		" go/Team-Lunch ":        "teamlunch",
		"GO/team_lunch":          "teamlunch",
		"Über-uns":               "überuns",
		"U\u0308ber_uns":         "überuns",
		"it/vpn.help":            "it/vpn.help",
		"go":                     "go",
		"":                       "",
		"go/":                    "go", // the alias "go", with a stroke behind it
		"-_":                     "",
		"a b":                    "",
		"a?b":                    "",
		"a%20b":                  "",
		"a\x00b":                 "",
		"\xff":                   "",
		strings.Repeat("a", 201): "",
	} {
		got, err := shortcut.Canonical(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Canonical(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func one(alias, to string) shortcut.Shortcut {
	return shortcut.Shortcut{InputAlias: alias, Destination: to, AuthorEmail: "Ada@example.com", Intermediate: "https://go.example.com/" + alias}
}

func page(id string) upload.Page { return upload.Page{ID: id, First: true, Last: true, Digest: id} }

func TestUpload(t *testing.T) {
	sqldbtest.Both(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		people, st := directory.New(db), shortcut.New(db)
		ada, err := people.Add(ctx, directory.NewPerson{Email: "ada@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		hosted := one("Menu", "https://example.com/menu")
		hosted.Unlisted, hosted.Template = true, "https://example.com/menu/%s"
		must(st.Upload(ctx, page("h1"), shortcut.Hosted, []shortcut.Shortcut{hosted}))
		var many []shortcut.Shortcut
		for i := range 250 {
			many = append(many, one(fmt.Sprint("ext-", i), "https://example.com/"))
		}
		many = append(many, one("menu", "https://elsewhere.example.com/"))
		must(st.Upload(ctx, page("e1"), shortcut.External, many))

		got, err := st.ByAlias(ctx, "go/ME-NU")
		must(err)
		if got.Source != shortcut.Hosted || !got.Unlisted || got.Author != ada.ID || got.Template == "" || got.ID != 1 || got.Created == 0 {
			t.Errorf("ByAlias(menu) = %+v, want the one hosted here, of Ada", got)
		}
		if got, err = st.ByAlias(ctx, "ext200"); err != nil || got.Source != shortcut.External {
			t.Errorf("ByAlias(ext200) = %+v, %v, want one of another service", got, err)
		}

		// A second upload keeps what it names, with its id, and removes the rest; hosted ones stay whatever is uploaded.
		before, err := st.ByAlias(ctx, "ext-0")
		must(err)
		must(st.Upload(ctx, page("h2"), shortcut.Hosted, []shortcut.Shortcut{one("other", "https://example.com/")}))
		must(st.Upload(ctx, page("e2"), shortcut.External, many[:240]))
		uploadtest.Drain(t, db, upload.NewRemovals(db, map[upload.Kind]upload.Remover{upload.Shortcuts: shortcut.Remover()}))
		if _, err := st.ByAlias(ctx, "ext249"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("ByAlias(ext249) after an upload left it out = %v, want not found", err)
		}
		after, err := st.ByAlias(ctx, "EXT0")
		must(err)
		if after.ID != before.ID || after.Created != before.Created {
			t.Errorf("a shortcut that came again = %+v, want it as it was: %+v", after, before)
		}
		if got, err := st.ByAlias(ctx, "menu"); err != nil || got.Source != shortcut.Hosted {
			t.Errorf("ByAlias(menu) = %+v, %v, want the hosted one still", got, err)
		}
	})
}

func TestUploadRefuses(t *testing.T) {
	st := shortcut.New(sqldbtest.Open(t))
	change := func(edit func(*shortcut.Shortcut)) []shortcut.Shortcut {
		s := one("fine", "https://example.com/")
		edit(&s)
		return []shortcut.Shortcut{one("first", "https://example.com/"), s}
	}
	for name, records := range map[string][]shortcut.Shortcut{
		"alias":             change(func(s *shortcut.Shortcut) { s.InputAlias = "a b" }),
		"twice":             change(func(s *shortcut.Shortcut) { s.InputAlias = "Fi-rst" }),
		"no destination":    change(func(s *shortcut.Shortcut) { s.Destination = "" }),
		"script":            change(func(s *shortcut.Shortcut) { s.Destination = "javascript:alert(1)" }),
		"author":            change(func(s *shortcut.Shortcut) { s.AuthorEmail = "nobody" }),
		"template's server": change(func(s *shortcut.Shortcut) { s.Template = "https://%s/x" }),
		"template's scheme": change(func(s *shortcut.Shortcut) { s.Template = "%s://example.com/" }),
		"template's path":   change(func(s *shortcut.Shortcut) { s.Template = "/x/%s" }),
		"template's end":    change(func(s *shortcut.Shortcut) { s.Template = "https://example.com%s" }),
	} {
		if err := st.Upload(t.Context(), page(name), shortcut.Hosted, records); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: Upload = %v, want %v", name, err, fault.Invalid)
		}
	}
	if _, err := st.ByAlias(t.Context(), "first"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("ByAlias(first) = %v, want nothing written of a page that was refused", err)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"go/x", "Team-Lunch", "ß", "İ", "go/go/", "\u0301a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, alias string) {
		once, err := shortcut.Canonical(alias)
		if err != nil {
			return
		}
		if again, err := shortcut.Canonical(once); err == nil && again != once && !strings.HasPrefix(once, "go/") {
			t.Errorf("Canonical(%q) = %q, and of that %q", alias, once, again)
		}
	})
}
