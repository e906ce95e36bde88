package demo

import (
	"fmt"
	"strconv"
	"strings"
)

// station is one measuring site of data/stations.txt: a page, two visits and a certificate come of it.
//
//	# id | name | country | latitude | metres above the sea | account | who visits | instruments | two visits, days ago
//	Site: what it is
//	Visit: what was found, oldest first
type station struct {
	id, name, country string
	latitude, height  string
	account, visitor  string
	instruments       []string
	days              [2]int
	site              string
	visits            []string
}

func readStations() ([]station, error) {
	text, err := data.ReadFile("data/stations.txt")
	if err != nil {
		return nil, fmt.Errorf("read sample data: %w", err)
	}
	var out []station
	for block := range strings.SplitSeq(strings.TrimPrefix(string(text), "# "), "\n# ") {
		head, rest, _ := strings.Cut(block, "\n")
		f := fields(head)
		if len(f) != 9 {
			return nil, fmt.Errorf("stations.txt: %q has %d columns, want 9", head, len(f))
		}
		st := station{
			id: f[0], name: f[1], country: f[2], latitude: f[3], height: f[4],
			account: f[5], visitor: f[6], instruments: strings.Fields(f[7]),
		}
		if _, err := fmt.Sscanf(f[8], "%d %d", &st.days[0], &st.days[1]); err != nil {
			return nil, fmt.Errorf("stations.txt: %s: days %q, want two numbers", st.id, f[8])
		}
		for line := range strings.SplitSeq(rest, "\n") {
			if site, ok := strings.CutPrefix(line, "Site: "); ok {
				st.site = site
			} else if visit, ok := strings.CutPrefix(line, "Visit: "); ok {
				st.visits = append(st.visits, visit)
			}
		}
		if st.site == "" || len(st.visits) != 2 {
			return nil, fmt.Errorf("stations.txt: %s wants a site and two visits", st.id)
		}
		out = append(out, st)
	}
	return out, nil
}

// records is what one datasource holds about the station.
func (st station) records(datasource string) []record {
	switch datasource {
	case "wiki":
		return []record{st.page()}
	case "drive":
		return []record{st.visit(0), st.visit(1), st.certificate()}
	}
	return nil
}

// complete adds to each account the stations that report for it.
func complete(rs []record, stations []station) {
	for i := range rs {
		var pages []string
		for _, st := range stations {
			if st.account == rs[i].id {
				pages = append(pages, "[[station-"+st.id+"]]")
			}
		}
		if len(pages) > 0 {
			rs[i].body += "\n\nStations: " + strings.Join(pages, ", ") + "."
		}
	}
}

func (st station) page() record {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s lies at %s° N, %s metres above the sea, and reports for [[%s]].\n\n## Instruments\n",
		st.site, st.name, st.latitude, st.height, st.account)
	for _, in := range st.instruments {
		fmt.Fprintf(&b, "- %s: %s, mounted {-%d}, next exchange {+%d}\n",
			st.serial(in), instrument(in), st.days[0], 40+hash(st.id+in, 300))
	}
	fmt.Fprintf(&b, "\n## Visits\n- {-%dy}: [[visit-%s-2]]\n- {-%dy}: [[visit-%s-1]]\n\nThe wind instrument's figures are in [[cert-%s]].",
		st.days[1], st.id, st.days[0], st.id, st.id)
	return record{
		id: "station-" + st.id, title: st.name + " station", container: "Stations / " + st.country, kind: "station",
		author: "ines", owner: st.visitor, created: st.days[0] + 90 + hash(st.id, 280), updated: st.days[1],
		readers: []string{"all"}, tags: []string{"station", strings.ToLower(st.instruments[0])}, body: b.String(),
		properties: [][2]string{{"country", st.country}, {"latitude", st.latitude}},
	}
}

// visit is the report of the nth visit: what the visitor wrote, and the readings.
func (st station) visit(n int) record {
	key := fmt.Sprintf("visit-%s-%d", st.id, n+1)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nReadings: battery under load %s V, panel %s V; mast tilt %s°, north error %s°; radio margin %d dB, %d packets lost",
		st.visits[n], tenths(key+"b", 118, 14), tenths(key+"p", 172, 30), tenths(key+"t", 0, 14), tenths(key+"n", 0, 20),
		6+hash(key+"r", 18), hash(key+"l", 90))
	for _, in := range st.instruments {
		fmt.Fprintf(&b, "; %s %s", st.serial(in), reading(in, key))
	}
	fmt.Fprintf(&b, ".\n\nStation page: [[station-%s]]", st.id)
	return record{
		id: key, title: "Site visit " + st.name + ", {-" + strconv.Itoa(st.days[n]) + "m}", container: "Service / Visits / " + st.country,
		author: st.visitor, owner: "ines", created: st.days[n], updated: st.days[n],
		readers: []string{"all-field-service", "engineering", "calibration-lab", "sales"}, tags: []string{"visit"}, body: b.String(),
	}
}

// certificate is the newest calibration certificate of the station's wind instrument, or of its first
// instrument where it measures no wind. Customers may read certificates, so they are open to all.
func (st station) certificate() record {
	in := st.instruments[0]
	for _, have := range st.instruments {
		if have == "W4" || have == "U2" && in != "W4" {
			in = have
		}
	}
	key := "cert-" + st.id
	var b strings.Builder
	fmt.Fprintf(&b, "Certificate QC-%d for the %s with the serial number %s, property of [[%s]].\n\n",
		4100+hash(key, 5800), instrument(in), st.serial(in), st.account)
	fmt.Fprintf(&b, "Shown in %s for the true value", unit(in))
	for i, point := range points(in) {
		value := point*1000 + hash(fmt.Sprint(key, point), 21) - 10
		fmt.Fprintf(&b, "%s %d: %d.%03d", []string{"", ","}[min(i, 1)], point, value/1000, value%1000)
	}
	fmt.Fprintf(&b, ".\n\nSlope %s, offset %s %s, expanded uncertainty %s %s with a coverage factor of two; ",
		thousandths(key+"s", 991, 18), thousandths(key+"o", 2, 40), unit(in), thousandths(key+"u", 31, 60), unit(in))
	fmt.Fprintf(&b, "bench %s, air at %s °C and %d percent humidity, reference %s.",
		[]string{"A", "B"}[hash(key+"bench", 2)], tenths(key+"a", 198, 24), 38+hash(key+"h", 17),
		[]string{"QR-3", "QR-5", "QR-6"}[hash(key+"ref", 3)])
	return record{
		id: key, title: fmt.Sprintf("Calibration certificate %s (%s)", st.serial(in), st.name), kind: "pdf",
		container: "Calibration / Certificates", author: []string{"agata", "leif", "hiro"}[hash(key+"who", 3)], owner: "tomasz",
		created: st.days[0] + 12, updated: st.days[0] + 12, readers: []string{"public"}, tags: []string{"certificate", strings.ToLower(in)}, body: b.String(),
	}
}

func (st station) serial(in string) string {
	return fmt.Sprintf("%s-%d", in, 20000+hash(st.id+" "+in, 9000))
}

func instrument(in string) string {
	switch in {
	case "W4":
		return "cup anemometer with vane"
	case "U2":
		return "ultrasonic anemometer, heated"
	case "H3":
		return "humidity and temperature probe"
	case "P2":
		return "barometer"
	case "R6":
		return "tipping bucket rain gauge"
	}
	return "snow depth probe"
}

func unit(in string) string {
	switch in {
	case "W4", "U2":
		return "m/s"
	case "R6":
		return "mm"
	}
	return "%"
}

func points(in string) []int {
	if in == "R6" {
		return []int{5, 10, 25, 50}
	}
	return []int{4, 8, 12, 16, 24}
}

func reading(in, key string) string {
	key += in
	switch in {
	case "W4", "U2":
		return fmt.Sprintf("zero %s m/s in still air, before the visit %s", thousandths(key, 0, 90), thousandths(key+"before", 60, 300))
	case "H3":
		return fmt.Sprintf("off by %s %% at the salt check and %s °C in the ice bath", tenths(key, 0, 22), thousandths(key+"t", 0, 120))
	case "P2":
		return fmt.Sprintf("within %s hPa of the travelling standard", thousandths(key, 10, 140))
	case "R6":
		return fmt.Sprintf("gave %d tips for 10 mm poured slowly", 49+hash(key, 3))
	}
	return fmt.Sprintf("agreed with the pole to %d mm at five points", 4+hash(key, 24))
}

func tenths(key string, least, width int) string {
	n := least + hash(key, width)
	return fmt.Sprintf("%d.%d", n/10, n%10)
}

func thousandths(key string, least, width int) string {
	n := least + hash(key, width)
	return fmt.Sprintf("%d.%03d", n/1000, n%1000)
}
