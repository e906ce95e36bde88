package scim

import (
	"context"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/grant"
	"github.com/sheafsearch/sheaf/internal/rpc"
)

// config is what of SCIM this server does (RFC 7643, section 5).
func (s *Service) config(context.Context, grant.Caller, rpc.None) (Answer, error) {
	off := object{"supported": false}
	return Answer{fields: object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   object{"supported": true}, "changePassword": off, "sort": off, "etag": off,
		"bulk":   object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": maxCount},
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "SCIM token", "primary": true,
			"description": "A SCIM token of this server, made in its console, in the header Authorization: Bearer.",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": s.base + "/ServiceProviderConfig"},
	}}, nil
}

func (s *Service) kinds() []*resource { return []*resource{s.users, s.groups} }

func (s *Service) describeKind(r *resource) object {
	extensions := []object{}
	for _, ext := range r.more {
		extensions = append(extensions, object{"schema": ext.urn, "required": false})
	}
	return object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": r.name, "name": r.name, "description": r.core.help,
		"endpoint": r.path, "schema": r.core.urn, "schemaExtensions": extensions,
		"meta": object{"resourceType": "ResourceType", "location": s.base + "/ResourceTypes/" + r.name},
	}
}

func (s *Service) resourceTypes(_ context.Context, _ grant.Caller, req List) (Answer, error) {
	if err := unfiltered(req); err != nil {
		return Answer{}, err
	}
	var list []any
	for _, r := range s.kinds() {
		list = append(list, s.describeKind(r))
	}
	return listAnswer(list, len(list), 0), nil
}

func (s *Service) resourceType(_ context.Context, _ grant.Caller, req One) (Answer, error) {
	for _, r := range s.kinds() {
		if r.name == req.ID {
			return Answer{fields: s.describeKind(r)}, nil
		}
	}
	return Answer{}, fault.New(fault.NotFound, "There is no such resource type.")
}

// unfiltered refuses a filter of what describes the API, as RFC 7644, section 4, has it.
func unfiltered(req List) error {
	if req.Filter != "" {
		return fault.New(fault.Forbidden, "This list takes no filter.")
	}
	return nil
}

// describeCore describes the core of a resource. The id that the provider gives is said with it, though every resource has it: Entra ID looks
// for it there.
func (s *Service) describeCore(r *resource) object {
	d := r.core
	d.attrs = append([]attr{*named(r.common, "externalId")}, d.attrs...)
	return s.describeSchema(&d)
}

func (s *Service) describeSchema(d *schema) object {
	return object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": d.urn, "name": d.name, "description": d.help,
		"attributes": describeAttrs(d.attrs), "meta": object{"resourceType": "Schema", "location": s.base + "/Schemas/" + d.urn},
	}
}

func describeAttrs(attrs []attr) []any {
	list := make([]any, 0, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		d := object{
			"name": a.name, "type": string(a.kind), "multiValued": a.many, "description": a.help, "required": a.needed,
			"caseExact": a.exact, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
		}
		if a.fixed {
			d["mutability"] = "readOnly"
		}
		if a.secret {
			d["mutability"], d["returned"] = "writeOnly", "never"
		}
		if a.unique {
			d["uniqueness"] = "server"
		}
		if len(a.values) > 0 {
			d["canonicalValues"] = a.values
		}
		if a.kind == asReference {
			d["referenceTypes"] = []string{"external"}
			if a.name == "$ref" {
				d["referenceTypes"] = []string{"User", "Group"}
			}
		}
		if len(a.subs) > 0 {
			d["subAttributes"] = describeAttrs(a.subs)
		}
		list = append(list, d)
	}
	return list
}

func (s *Service) schemas(_ context.Context, _ grant.Caller, req List) (Answer, error) {
	if err := unfiltered(req); err != nil {
		return Answer{}, err
	}
	var list []any
	for _, r := range s.kinds() {
		list = append(list, s.describeCore(r))
		for i := range r.more {
			list = append(list, s.describeSchema(&r.more[i]))
		}
	}
	return listAnswer(list, len(list), 0), nil
}

func (s *Service) schema(_ context.Context, _ grant.Caller, req One) (Answer, error) {
	for _, r := range s.kinds() {
		if strings.EqualFold(r.core.urn, req.ID) {
			return Answer{fields: s.describeCore(r)}, nil
		}
		if ext := r.extension(req.ID); ext != nil {
			return Answer{fields: s.describeSchema(ext)}, nil
		}
	}
	return Answer{}, fault.New(fault.NotFound, "There is no such schema.")
}
