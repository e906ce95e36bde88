package directory

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sheafsearch/sheaf/internal/fault"
)

// MaxURL bounds addresses of pages in bytes: indexes of databases hold no longer ones.
const MaxURL = 2048

// CheckURL refuses, naming the field, what is no absolute address, and what a browser would run. An
// empty text passes.
func CheckURL(field, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || !u.IsAbs() || len(text) > MaxURL || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		return fault.Newf(fault.Invalid, "%s is an absolute address of at most %d bytes.", field, MaxURL).WithField(field)
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript":
		return fault.Newf(fault.Invalid, "%s has a scheme that is not allowed.", field).WithField(field)
	}
	return nil
}

// Bounds of a profile.
const (
	maxField = 1000  // bytes of a field
	maxBio   = 20000 // bytes
	maxList  = 200   // members of a list
	maxExtra = 64 << 10
)

// check refuses what no profile may hold.
func (p *Profile) check() error {
	place := &p.Place
	for name, text := range map[string]string{
		"firstName": p.FirstName, "lastName": p.LastName, "preferredName": p.PreferredName, "id": p.EmployeeID,
		"phoneNumber": p.Phone, "location": p.Location, "title": p.Title, "businessUnit": p.BusinessUnit,
		"department": p.Department, "pronoun": p.Pronoun, "managerId": p.ManagerID, "type": p.Type,
		"structuredLocation": strings.Join([]string{place.DeskLocation, place.Timezone, place.Address, place.City, place.State, place.Region, place.ZipCode, place.Country, place.CountryCode}, " "),
	} {
		if len(text) > maxField || strings.ContainsFunc(text, isControl) {
			return fault.Newf(fault.Invalid, "%s is one line of at most %d bytes.", name, maxField).WithField(name)
		}
	}
	if len(p.FirstName)+len(p.LastName)+len(p.PreferredName) > maxName {
		return fault.Newf(fault.Invalid, "The names of a person have at most %d bytes together.", maxName).WithField("firstName")
	}
	if len(p.Bio) > maxBio || strings.IndexByte(p.Bio, 0) >= 0 {
		return fault.Newf(fault.Invalid, "bio has at most %d bytes.", maxBio).WithField("bio")
	}
	for name, text := range map[string]string{"startDate": p.StartDate, "endDate": p.EndDate} {
		if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
			return fault.Newf(fault.Invalid, "%s is a date of the form 2006-01-31.", name).WithField(name)
		}
	}
	for name, text := range map[string]string{"photoUrl": p.PhotoURL, "profileUrl": p.ProfileURL} {
		if err := CheckURL(name, text); err != nil {
			return err
		}
	}
	switch p.Status {
	case "", StatusCurrent, StatusFuture, StatusEx:
	default: // an unknown state could mean that somebody has left
		return fault.New(fault.Invalid, "status is one of CURRENT, FUTURE and EX.").WithField("status")
	}
	return p.checkLists()
}

func (p *Profile) checkLists() error {
	bad := long(p.AlsoKnownAs...) || len(p.AlsoKnownAs) > maxList || len(p.Handles) > maxList || len(p.Teams) > maxList ||
		len(p.Networks) > maxList || len(p.Relationships) > maxList || !handlesFit(p.Handles) || !extrasFit(p.Additional)
	for _, t := range p.Teams {
		bad = bad || long(t.ID, t.Name) || CheckURL("url", t.URL) != nil
	}
	for _, n := range p.Networks {
		bad = bad || long(n.Name, n.ProfileName) || CheckURL("profileUrl", n.ProfileURL) != nil
	}
	for _, r := range p.Relationships {
		bad = bad || long(r.Name, r.Email)
	}
	if bad {
		return errLists("employee")
	}
	return nil
}

// long reports whether one of the texts is too long for a field, or not one line.
func long(texts ...string) bool {
	for _, t := range texts {
		if len(t) > maxField || strings.ContainsFunc(t, isControl) {
			return true
		}
	}
	return false
}

func handlesFit(list []Handle) bool {
	for _, h := range list {
		if long(h.Datasource, h.Handle) || CheckURL("url", h.URL) != nil || CheckURL("nativeAppUrl", h.NativeAppURL) != nil {
			return false
		}
	}
	return true
}

func extrasFit(list []AdditionalField) bool {
	size := 0
	for _, a := range list {
		if long(a.Key) {
			return false
		}
		for _, v := range a.Value {
			size += len(v)
		}
	}
	return len(list) <= maxList && size <= maxExtra
}

func errLists(what string) error {
	return fault.Newf(fault.Invalid, "A list of this %s is over a bound: %d members, %d bytes a text, absolute addresses, %d bytes of additional fields.", what, maxList, maxField, maxExtra)
}
