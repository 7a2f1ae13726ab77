// The frontend's contract as a Go programmer would write it with the libraries most of them use:
// net/http, amqp091, pgx, redigo, client_golang. `./workshop bench http` runs it beside the
// frontend.
//
// It does for a request what the frontend does: it validates, publishes persistently with an id and
// answers after the confirm, reads the cache and falls back to PostgreSQL, counts and times
// everything. It lacks what costs nothing while all is well: reconnecting, deadlines, shutdown.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v4/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	queue       = "task_queue"
	cacheTTL    = 5    // seconds
	redisIdle   = 64   // connections kept
	unconfirmed = 4096 // as the frontend's window
	bodyMax     = 64 << 10
)

var (
	helloTotal    = promauto.NewCounter(prometheus.CounterOpts{Name: "hello_total", Help: "Greetings."})
	fruitRequests = promauto.NewCounter(prometheus.CounterOpts{Name: "fruit_requests_total", Help: "Valid requests."})
	recentFruits  = promauto.NewGaugeVec(prometheus.GaugeOpts{Name: "recent_fruits", Help: "Of the last minute."}, []string{"fruit"})
	requests      = promauto.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."},
		[]string{"method", "endpoint", "code"})
	latency = promauto.NewHistogramVec(prometheus.HistogramOpts{Name: "http_latency", Help: "HTTP latencies in seconds.",
		Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}}, []string{"method", "endpoint"})
	cacheRequests = promauto.NewCounterVec(prometheus.CounterOpts{Name: "cache_requests_total", Help: "What the cache said."},
		[]string{"result"})

	fruits = map[string]bool{"apples": true, "oranges": true, "bananas": true, "grapes": true, "pears": true}
)

// observed counts and times a handler's answers, as the frontend's observe.c does.
func observed(method, endpoint string, handler http.HandlerFunc) http.HandlerFunc {
	spent := latency.WithLabelValues(method, endpoint)
	ok := requests.WithLabelValues(method, endpoint, "200")
	return func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		answer := &recorder{ResponseWriter: w, code: http.StatusOK}
		handler(answer, r)
		if answer.code == http.StatusOK {
			ok.Inc()
		} else {
			requests.WithLabelValues(method, endpoint, strconv.Itoa(answer.code)).Inc()
		}
		spent.Observe(time.Since(begin).Seconds())
	}
}

type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

func reply(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body))
}

func fail(w http.ResponseWriter, code int, message string) {
	reply(w, code, `{"error":"`+message+`"}`)
}

// publisher has one channel, whose confirms many requests await at once.
type publisher struct {
	channel *amqp.Channel
	window  chan struct{}
}

func newPublisher(url string) *publisher {
	connection, err := amqp.Dial(url)
	must(err)
	channel, err := connection.Channel()
	must(err)
	_, err = channel.QueueDeclare(queue, true, false, false, false, nil)
	must(err)
	must(channel.Confirm(false))
	return &publisher{channel, make(chan struct{}, unconfirmed)}
}

// publish returns whether the broker has the message.
func (p *publisher) publish(ctx context.Context, id string, body []byte) bool {
	p.window <- struct{}{}
	defer func() { <-p.window }()
	confirmation, err := p.channel.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false, amqp.Publishing{
		ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: id, Timestamp: time.Now(), Body: body})
	return err == nil && confirmation.Wait()
}

type service struct {
	publisher *publisher
	cache     *redis.Pool
	database  *pgxpool.Pool
	asking    sync.Map // fruit name → *sum: one query in flight a name
}

type sum struct {
	once  sync.Once
	total int64
	err   error
}

func (s *service) hello(w http.ResponseWriter, r *http.Request) {
	helloTotal.Inc()
	if !s.publisher.publish(r.Context(), uuid.NewString(), []byte(`"hello"`)) {
		fail(w, http.StatusServiceUnavailable, "The broker cannot take it now")
		return
	}
	_, _ = w.Write([]byte("Hello, World!"))
}

type order struct {
	Fruit    *string      `json:"fruit"`
	Quantity *json.Number `json:"quantity"`
}

// check returns the fruit's name and quantity, or what is wrong with them.
func (o *order) check() (string, int64, string) {
	if o.Fruit == nil || o.Quantity == nil {
		return "", 0, "No fruit or quantity provided"
	}
	name := strings.ToLower(*o.Fruit)
	quantity, err := o.Quantity.Int64()
	if !fruits[name] {
		return "", 0, "Invalid fruit"
	}
	if err != nil || quantity < 1 || quantity > 1<<31-1 {
		return "", 0, "Invalid quantity"
	}
	return name, quantity, ""
}

func (s *service) postFruit(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "Content-Type must be application/json")
		return
	}
	var given order
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMax)).Decode(&given) != nil {
		fail(w, http.StatusBadRequest, "No fruit or quantity provided")
		return
	}
	name, quantity, wrong := given.check()
	id, err := requestID(r)
	if wrong == "" && err != nil {
		wrong = "Invalid Idempotency-Key"
	}
	if wrong != "" {
		fail(w, http.StatusBadRequest, wrong)
		return
	}
	fruitRequests.Inc()
	body := fmt.Sprintf(`{"fruit":"%s","quantity":%d}`, name, quantity)
	if !s.publisher.publish(r.Context(), id, []byte(body)) {
		fail(w, http.StatusServiceUnavailable, "The broker cannot take it now")
		return
	}
	reply(w, http.StatusOK, fmt.Sprintf(`{"message":"You sent %d %s!","id":"%s"}`, quantity, name, id))
}

func requestID(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return uuid.NewString(), nil
	}
	id, err := uuid.Parse(key)
	return id.String(), err
}

func (s *service) getFruit(w http.ResponseWriter, r *http.Request) {
	name := strings.ToLower(r.URL.Query().Get("name"))
	if name == "" {
		name = "all"
	}
	if name != "all" && !fruits[name] {
		fail(w, http.StatusBadRequest, "Invalid fruit")
		return
	}
	fruitRequests.Inc()
	total, err := s.total(r.Context(), name)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "Neither the cache nor the database can answer now")
		return
	}
	if name != "all" {
		recentFruits.WithLabelValues(name).Set(float64(total))
	}
	reply(w, http.StatusOK, fmt.Sprintf(`{"fruit":"%s","total_quantity":%d}`, name, total))
}

func (s *service) total(ctx context.Context, name string) (int64, error) {
	connection := s.cache.Get()
	defer connection.Close()
	total, err := redis.Int64(connection.Do("GET", "fruit_"+name))
	if err == nil {
		cacheRequests.WithLabelValues("hit").Inc()
		return total, nil
	}
	cacheRequests.WithLabelValues("miss").Inc()
	total, err = s.ask(ctx, name)
	if err == nil {
		_, _ = connection.Do("SET", "fruit_"+name, total, "EX", cacheTTL)
	}
	return total, err
}

func (s *service) ask(ctx context.Context, name string) (int64, error) {
	found, _ := s.asking.LoadOrStore(name, &sum{})
	asked := found.(*sum)
	asked.once.Do(func() {
		asked.err = s.database.QueryRow(ctx, "select coalesce(sum(quantity), 0) from fruits"+
			" where ($1 = 'all' or name = $1) and created_at > now() - interval '1 minute'", name).Scan(&asked.total)
		s.asking.Delete(name)
	})
	return asked.total, asked.err
}

// methods picks the handler by method; net/http's own router knows paths only.
func methods(byMethod map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if handler, ok := byMethod[r.Method]; ok {
			handler(w, r)
			return
		}
		fail(w, http.StatusMethodNotAllowed, "Method not allowed")
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "HOST:PORT to serve on")
	flag.Parse()
	database, err := pgxpool.Connect(context.Background(), os.Getenv("DATABASE_URL"))
	must(err)
	s := &service{
		publisher: newPublisher(os.Getenv("AMQP_URL")),
		cache: &redis.Pool{MaxIdle: redisIdle, Dial: func() (redis.Conn, error) {
			return redis.DialURL(os.Getenv("REDIS_URL"))
		}},
		database: database,
	}
	http.HandleFunc("/hello", observed("GET", "/hello", s.hello))
	http.HandleFunc("/fruit", methods(map[string]http.HandlerFunc{
		"GET":  observed("GET", "/fruit", s.getFruit),
		"POST": observed("POST", "/fruit", s.postFruit),
	}))
	http.HandleFunc("/health", observed("GET", "/health", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("OK"))
	}))
	http.Handle("/metrics", promhttp.Handler())
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
