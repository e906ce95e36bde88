package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image"
	_ "image/jpeg" // the two formats that the contract knows
	_ "image/png"
	"strings"

	"github.com/sheafsearch/sheaf/internal/fault"
	"github.com/sheafsearch/sheaf/internal/sqldb"
)

// Photo is the picture of a person.
type Photo struct {
	Media   string // image/png or image/jpeg
	Content []byte
}

// Bounds of a photo that comes within an employee record.
const (
	maxPhoto = 128 << 10 // bytes
	maxSide  = 4096      // pixels
)

var errPhoto = fault.Newf(fault.Invalid, "photoUrl is the absolute address of a photo, or a PNG or JPEG as a base64 data URL of at most %d bytes and %d pixels a side.", maxPhoto, maxSide).
	WithField("photoUrl")

// takePhoto cuts a photo out of a profile whose address of the photo is the photo itself, and leaves its digest there.
func (r *EmployeeRecord) takePhoto() error {
	if len(r.Profile.PhotoURL) < 5 || !strings.EqualFold(r.Profile.PhotoURL[:5], "data:") {
		return nil
	}
	head, data, found := strings.Cut(r.Profile.PhotoURL[5:], ",")
	media, encoding, _ := strings.Cut(strings.ToLower(head), ";")
	if !found || encoding != "base64" || base64.StdEncoding.DecodedLen(len(data)) > maxPhoto+3 {
		return errPhoto
	}
	content, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(content) > maxPhoto {
		return errPhoto
	}
	is, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || media != "image/"+format || is.Width > maxSide || is.Height > maxSide {
		return errPhoto
	}
	sum := sha256.Sum256(content)
	r.photo = &Photo{media, content}
	r.Profile.PhotoURL, r.Profile.PhotoDigest = "", hex.EncodeToString(sum[:16])
	return nil
}

// putPhoto makes the photo that is kept of p the one of its profile.
func putPhoto(ctx context.Context, tx *sqldb.Tx, p *Person, photo *Photo) error {
	if photo == nil {
		_, err := tx.Exec(ctx, "DELETE FROM photos WHERE person_id = $1", p.ID)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO photos (person_id, media, content) VALUES ($1, $2, $3)
		ON CONFLICT (person_id) DO UPDATE SET media = excluded.media, content = excluded.content`, p.ID, photo.Media, photo.Content)
	return err
}

// Photo returns the photo of an active person. Somebody without one that is kept here is a fault.NotFound.
func (d *Directory) Photo(ctx context.Context, id string) (photo Photo, err error) {
	scan := func(row sqldb.Scanner) (p Photo, err error) { err = row.Scan(&p.Media, &p.Content); return p, err }
	err = d.db.Read(ctx, func(tx *sqldb.Tx) error {
		photo, err = sqldb.One(ctx, tx, scan, `SELECT f.media, f.content FROM photos f JOIN people p ON p.id = f.person_id
			WHERE f.person_id = $1 AND p.active`, id)
		return err
	})
	return photo, err
}
