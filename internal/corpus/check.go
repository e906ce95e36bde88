package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/directory"
	"github.com/sheafsearch/sheaf/internal/fault"
)

// Bounds of what a connector may send in one document. Connectors that reach one learn its name.
const (
	MaxID         = 200     // characters of an id
	MaxObjectType = 64      // bytes of an object type
	MaxTitle      = 2000    // bytes of a title
	MaxBody       = 8 << 20 // bytes of extracted text
	MaxShort      = 1000    // bytes of a name, status, container or file name
	MaxSummary    = 64 << 10
	MaxTags       = 500
	MaxTag        = 200 // bytes
	MaxURLs       = 50
	MaxComments   = 5000
	MaxProperties = 500
	MaxProperty   = 64 << 10 // bytes of a property's JSON
	MaxReaders    = 50_000   // users, groups and intersections of one document together
)

// invalid is a fault about one field.
func invalid(field, format string, args ...any) error {
	return fault.Newf(fault.Invalid, format, args...).WithField(field)
}

// check refuses what no document may be. entity says that the datasource's documents need no address.
func (d *Document) check(entity bool) error {
	if err := checkRef(d.ObjectType, d.ID); err != nil {
		return err
	}
	if d.ViewURL == "" && !entity {
		return invalid("viewURL", "A document needs a viewURL.")
	}
	for _, f := range []struct {
		name, text string
		most       int
	}{
		{"title", d.Title, MaxTitle},
		{"status", d.Status, MaxShort},
		{"filename", d.Filename, MaxShort},
		{"container", d.Container, MaxShort},
		{"containerDatasourceId", d.ContainerID, MaxShort},
		{"containerObjectType", d.ContainerObjectType, MaxShort},
		{"summary", d.Summary, MaxSummary},
	} {
		if err := checkText(f.name, f.text, f.most); err != nil {
			return err
		}
	}
	if len(d.Body) > MaxBody {
		return fault.Newf(fault.TooLarge, "A body has at most %d bytes of text.", MaxBody).WithField("body")
	}
	if err := checkText("body", d.Body, MaxBody); err != nil {
		return err
	}
	if d.CreatedAt < 0 || d.UpdatedAt < 0 || d.CreatedAt > maxSeconds || d.UpdatedAt > maxSeconds {
		return invalid("updatedAt", "createdAt and updatedAt are Unix seconds.")
	}
	if err := d.checkURLs(); err != nil {
		return err
	}
	if err := d.checkLists(); err != nil {
		return err
	}
	return checkPermissions(&d.Permissions)
}

// maxSeconds is the end of the year 9999. Milliseconds sent by mistake are past it.
const maxSeconds = 253402300799

func checkRef(objectType, id string) error {
	if id == "" {
		return invalid("id", "A document needs an id.")
	}
	if utf8.RuneCountInString(id) > MaxID || strings.ContainsFunc(id, unicode.IsControl) {
		return invalid("id", "An id has at most %d characters and no control characters.", MaxID)
	}
	bad := func(r rune) bool { return r == '_' || r == '/' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if len(objectType) > MaxObjectType || strings.ContainsFunc(objectType, bad) {
		return invalid("objectType", "An objectType has at most %d bytes and no white space, slash or underscore.", MaxObjectType)
	}
	return nil
}

func checkText(field, text string, most int) error {
	if len(text) > most {
		return invalid(field, "%s has at most %d bytes.", field, most)
	}
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return invalid(field, "%s holds a NUL character or invalid UTF-8.", field)
	}
	return nil
}

func (d *Document) checkURLs() error {
	if len(d.AdditionalURLs) > MaxURLs {
		return invalid("additionalUrls", "A document has at most %d additional addresses.", MaxURLs)
	}
	if err := directory.CheckURL("viewURL", d.ViewURL); err != nil {
		return err
	}
	if err := directory.CheckURL("nativeAppUrl", d.NativeAppURL); err != nil {
		return err
	}
	for _, u := range d.AdditionalURLs {
		if err := directory.CheckURL("additionalUrls", u); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkLists() error {
	if len(d.Tags) > MaxTags {
		return invalid("tags", "A document has at most %d tags.", MaxTags)
	}
	for _, t := range d.Tags {
		if err := checkText("tags", t, MaxTag); err != nil {
			return err
		}
	}
	if len(d.Properties) > MaxProperties {
		return invalid("customProperties", "A document has at most %d custom properties.", MaxProperties)
	}
	for _, p := range d.Properties {
		if p.Name == "" || len(p.Name) > MaxTag || len(p.Value) > MaxProperty {
			return invalid("customProperties", "A custom property has a name of at most %d bytes and a value of at most %d bytes.", MaxTag, MaxProperty)
		}
		if err := checkText("customProperties", p.Name, MaxTag); err != nil {
			return err
		}
	}
	if len(d.Comments) > MaxComments {
		return invalid("comments", "A document has at most %d comments.", MaxComments)
	}
	size := 0
	users := []User{d.Author, d.Owner, d.UpdatedBy}
	for i := range d.Comments {
		c := &d.Comments[i]
		size += len(c.Text)
		if c.ID == "" {
			return invalid("comments", "A comment has an id.")
		}
		if err := checkText("comments", c.ID, MaxShort); err != nil {
			return err
		}
		users = append(users, c.Author, c.UpdatedBy)
	}
	if size > MaxBody {
		return fault.Newf(fault.TooLarge, "The comments of a document have at most %d bytes of text.", MaxBody).WithField("comments")
	}
	for _, u := range users {
		for _, part := range []string{u.Email, u.UserID, u.Name} {
			if len(part) > MaxShort {
				return invalid("author", "The parts of a reference to a user have at most %d bytes each.", MaxShort)
			}
			// Ids go into queries later, where one that SQL refuses would stop the index for everybody.
			if err := checkText("author", part, MaxShort); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPermissions(p *directory.Permissions) error {
	n := len(p.Users) + len(p.Groups) + len(p.Intersections)
	for _, groups := range p.Intersections {
		n += len(groups)
		for _, g := range groups {
			if directory.CheckName(g) != nil {
				return errGroup("permissions.allowedGroupIntersections")
			}
		}
	}
	for _, g := range p.Groups {
		if directory.CheckName(g) != nil {
			return errGroup("permissions.allowedGroups")
		}
	}
	for _, u := range p.Users {
		if u.UserID != "" && directory.CheckName(u.UserID) != nil {
			return errGroup("permissions.allowedUsers")
		}
	}
	if n > MaxReaders {
		return invalid("permissions", "A document names at most %d users and groups. Put them into groups.", MaxReaders)
	}
	return nil
}

func errGroup(field string) error {
	return invalid(field, "Names of groups and user ids are not empty, hold no white space and have at most 512 bytes.")
}
