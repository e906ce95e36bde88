package shortcuts

import (
	"time"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/shortcut"
	"github.com/sheafsearch/sheaf/internal/upload"
)

// BulkRequest is a page of an upload that replaces all shortcuts of another service.
type BulkRequest struct {
	upload.Head
	Shortcuts []External `json:"shortcuts"`
}

// AuditSubject names the upload.
func (r BulkRequest) AuditSubject() string { return r.UploadID }

// UploadRequest is a page of an upload of shortcuts that are hosted here.
type UploadRequest struct {
	upload.Head
	Shortcuts []Hosted `json:"shortcuts"`
}

// AuditSubject names the upload.
func (r UploadRequest) AuditSubject() string { return r.UploadID }

// Properties are what every shortcut has. Times are Unix seconds.
type Properties struct {
	InputAlias     string `json:"inputAlias"`
	Description    string `json:"description,omitzero"`
	DestinationURL string `json:"destinationUrl"`
	CreatedBy      string `json:"createdBy"` // an address
	CreateTime     int64  `json:"createTime,omitzero"`
	UpdatedBy      string `json:"updatedBy,omitzero"`
	UpdateTime     int64  `json:"updateTime,omitzero"`
}

// External is a shortcut of another service.
type External struct {
	Properties
	Title             string  `json:"title,omitzero"`
	IntermediateURL   string  `json:"intermediateUrl"`
	DecayedVisitScore float64 `json:"decayedVisitScore,omitzero"`
	EditURL           string  `json:"editUrl,omitzero"`
}

// Hosted is a shortcut that is hosted here.
type Hosted struct {
	Properties
	Unlisted    bool   `json:"unlisted,omitzero"`
	URLTemplate string `json:"urlTemplate,omitzero"`
}

func (p *Properties) record() (s shortcut.Shortcut, err error) {
	s = shortcut.Shortcut{
		InputAlias: p.InputAlias, Description: p.Description, Destination: p.DestinationURL, AuthorEmail: p.CreatedBy, EditorEmail: p.UpdatedBy,
	}
	if s.Created, err = micros("createTime", p.CreateTime); err != nil {
		return s, err
	}
	s.Updated, err = micros("updateTime", p.UpdateTime)
	return s, err
}

// maxTime is the year 5138: what is beyond was sent in milliseconds.
const maxTime = 1e11

func micros(field string, seconds int64) (int64, error) {
	switch {
	case seconds < 0 || seconds >= maxTime:
		return 0, fault.Newf(fault.Invalid, "%s is in Unix seconds.", field).WithField(field)
	case seconds == 0:
		return 0, nil
	}
	return time.Unix(seconds, 0).UnixMicro(), nil
}
