package oauth

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what providers are asked. Refusals are counted by authority, which knows the people too.
type metrics struct {
	keys   *prometheus.CounterVec
	opaque *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sheaf_oauth_key_fetches_total", Help: "Fetches of the keys of identity providers, by result.",
		}, []string{"result"}),
		opaque: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sheaf_oauth_opaque_total", Help: "Opaque tokens that the identity provider was asked about, by what it said.",
		}, []string{"result"}),
	}
}

func (m *metrics) fetched(err error) {
	result := "fetched"
	if err != nil {
		result = "failed"
	}
	m.keys.WithLabelValues(result).Inc()
}

func (m *metrics) asked(result string) { m.opaque.WithLabelValues(result).Inc() }

// Register shows the metrics of the service. It is called once.
func (s *Service) Register(r prometheus.Registerer) { r.MustRegister(s.metrics.keys, s.metrics.opaque) }
