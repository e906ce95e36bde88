package scim

import "strings"

// kind is the type of an attribute (RFC 7643, section 2.3).
type kind string

const (
	asText      kind = "string"
	asBool      kind = "boolean"
	asTime      kind = "dateTime"
	asReference kind = "reference"
	asParts     kind = "complex"
)

// attr describes an attribute. Names are compared without case and shown as they stand here.
type attr struct {
	name   string
	kind   kind
	help   string
	many   bool
	exact  bool // case matters in comparisons
	needed bool
	fixed  bool // the server sets it: what is sent is ignored, and a PATCH of it refused
	secret bool // taken and thrown away: sheaf keeps no passwords
	unique bool
	values []string // the usual ones
	subs   []attr
}

// schema is a list of attributes with a name that is an address.
type schema struct {
	urn, name, help string
	attrs           []attr
}

// resource is a kind of thing that is provisioned.
type resource struct {
	name, path string
	core       schema
	more       []schema // extensions
	common     []attr   // of every resource, in no schema
}

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

func named(list []attr, name string) *attr {
	for i := range list {
		if strings.EqualFold(list[i].name, name) {
			return &list[i]
		}
	}
	return nil
}

// extension returns the schema of an extension with that address, in any case.
func (r *resource) extension(urn string) *schema {
	for i := range r.more {
		if strings.EqualFold(r.more[i].urn, urn) {
			return &r.more[i]
		}
	}
	return nil
}

// find returns the attribute of that name in the core or what every resource has, or nil.
func (r *resource) find(name string) *attr {
	if a := named(r.core.attrs, name); a != nil {
		return a
	}
	return named(r.common, name)
}

func commonAttrs() []attr {
	return []attr{
		{name: "id", kind: asText, exact: true, fixed: true, unique: true, help: "The id that this server gave."},
		{name: "externalId", kind: asText, exact: true, help: "The id that the provider gave."},
		{name: "schemas", kind: asText, many: true, exact: true, fixed: true, help: "The schemas of the resource."},
		{name: "meta", kind: asParts, fixed: true, help: "When the resource was made and changed.", subs: []attr{
			{name: "resourceType", kind: asText, exact: true, fixed: true, help: "User or Group."},
			{name: "created", kind: asTime, fixed: true, help: "When it was made."},
			{name: "lastModified", kind: asTime, fixed: true, help: "When it was changed last."},
			{name: "location", kind: asReference, exact: true, fixed: true, help: "Its address."},
		}},
	}
}

// several is an attribute with many values of one form, of which one may be the primary one.
func several(name, help string, value kind, values []string, more ...attr) attr {
	subs := append([]attr{
		{name: "value", kind: value, help: "The value."},
		{name: "display", kind: asText, help: "The value for people to read."},
		{name: "type", kind: asText, help: "What it is for.", values: values},
		{name: "primary", kind: asBool, help: "Whether it is the one to prefer."},
	}, more...)
	return attr{name: name, kind: asParts, many: true, help: help, subs: subs}
}

func line(name, help string) attr { return attr{name: name, kind: asText, help: help} }

func userResource() *resource {
	work := []string{"work", "home", "other"}
	return &resource{
		name: "User", path: "/Users", common: commonAttrs(),
		core: schema{urn: userURN, name: "User", help: "A person", attrs: []attr{
			{name: "userName", kind: asText, needed: true, unique: true, help: "The name at the provider, usually an address. As an address it is the person's; otherwise the primary one of emails is."},
			{name: "name", kind: asParts, help: "The parts of the name.", subs: []attr{
				line("formatted", "The whole name."), line("familyName", "The last name."), line("givenName", "The first name."), line("middleName", "Further names."),
				line("honorificPrefix", "What stands before the name."), line("honorificSuffix", "What stands after the name."),
			}},
			line("displayName", "The name that is shown."), line("nickName", "What the person is called."),
			{name: "profileUrl", kind: asReference, exact: true, help: "A page about the person."},
			line("title", "The job title."), line("userType", "How the person belongs to the company."), line("preferredLanguage", "Languages, as in Accept-Language."),
			line("locale", "The place that forms of numbers and dates follow."), line("timezone", "The time zone, as Europe/Berlin."),
			{name: "active", kind: asBool, help: "Whether the person may use the server. False ends their sessions and tokens at once."},
			{name: "password", kind: asText, exact: true, secret: true, help: "Taken and thrown away: people sign in at the provider."},
			several("emails", "Addresses.", asText, work), several("phoneNumbers", "Telephone numbers.", asText, append(work, "mobile", "fax", "pager")),
			several("ims", "Names in messengers.", asText, nil), several("photos", "Addresses of photos.", asReference, []string{"photo", "thumbnail"}),
			{name: "addresses", kind: asParts, many: true, help: "Places.", subs: []attr{
				line("formatted", "The whole address."), line("streetAddress", "Street and number."), line("locality", "The city."), line("region", "The state or region."),
				line("postalCode", "The postal code."), line("country", "The country."),
				{name: "type", kind: asText, help: "What it is for.", values: work},
				{name: "primary", kind: asBool, help: "Whether it is the one to prefer."},
			}},
			{name: "groups", kind: asParts, many: true, fixed: true, help: "The groups that the person is in; changed through the groups.", subs: []attr{
				{name: "value", kind: asText, exact: true, fixed: true, help: "The group's id."},
				{name: "$ref", kind: asReference, exact: true, fixed: true, help: "The group's address."},
				{name: "display", kind: asText, fixed: true, help: "The group's name."},
				{name: "type", kind: asText, fixed: true, help: "direct."},
			}},
			several("entitlements", "What the person may have, kept as sent.", asText, nil), several("roles", "Roles at the provider, kept as sent. They change no role here.", asText, nil),
			several("x509Certificates", "Certificates, kept as sent.", asText, nil),
		}},
		more: []schema{{urn: enterpriseURN, name: "EnterpriseUser", help: "A person in a company", attrs: []attr{
			line("employeeNumber", "The number in the personnel system."), line("costCenter", "The cost centre."), line("organization", "The organisation."),
			line("division", "The division."), line("department", "The department."),
			{name: "manager", kind: asParts, help: "The manager.", subs: []attr{
				{name: "value", kind: asText, exact: true, help: "The manager's id."},
				{name: "$ref", kind: asReference, exact: true, help: "The manager's address."},
				{name: "displayName", kind: asText, help: "The manager's name."},
			}},
		}}},
	}
}

func groupResource() *resource {
	return &resource{
		name: "Group", path: "/Groups", common: commonAttrs(),
		core: schema{urn: groupURN, name: "Group", help: "A group of people", attrs: []attr{
			{name: "displayName", kind: asText, needed: true, help: "The group's name."},
			{name: "members", kind: asParts, many: true, help: "The people in the group.", subs: []attr{
				{name: "value", kind: asText, exact: true, help: "The id of a user."},
				{name: "$ref", kind: asReference, exact: true, help: "The user's address."},
				{name: "display", kind: asText, help: "The user's name."},
				{name: "type", kind: asText, help: "User.", values: []string{"User"}},
			}},
		}},
	}
}
