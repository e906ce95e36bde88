package people

import "github.com/sheafsearch/sheaf/internal/wire"

// GetRequest names people by their ids, by their addresses, or both. Naming nobody asks for the
// caller.
type GetRequest struct {
	ObfuscatedIDs []string `json:"obfuscatedIds,omitzero"`
	EmailIDs      []string `json:"emailIds,omitzero"`
	IncludeFields []Field  `json:"includeFields,omitzero"`
	IncludeTypes  []Type   `json:"includeTypes,omitzero"`
}

// Field asks for more than the profile. Those that sheaf has nothing for add nothing.
type Field string

// The fields that add something.
const (
	ManagementDetails Field = "MANAGEMENT_DETAILS"      // the manager, the chain above, the reports and how many people they are
	PeopleDetails     Field = "PEOPLE_DETAILS"          // what those in the chart do, and how to reach them
	Badges            Field = "BADGES"                  // who is new
	Permissions       Field = "PERMISSIONS"             // what the caller may do; of nobody else
	ProfileSettings   Field = "PEOPLE_PROFILE_SETTINGS" // the caller's own choices, of which there are none
)

// Type asks for people who are left out otherwise.
type Type string

// InvalidEntities asks for those who are not there: former people with what is known of them, and
// unknown names as they were asked for.
const InvalidEntities Type = "INVALID_ENTITIES"

// PhotoRequest asks for the photo of a person.
type PhotoRequest struct {
	Person string `json:"-" path:"person_id"`
	// Datasource would choose among photos of several sources. There is one.
	Datasource string `json:"-" query:"ds"`
}

// GetResponse is the people found and the names of those who were not.
type GetResponse struct {
	Results []wire.Person `json:"results"`
	Errors  []string      `json:"errors,omitzero"`
}
