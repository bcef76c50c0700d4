// Package ext stands in for the one in Traefik's repository, a module of its own that cannot be had: with it, editions of
// Traefik add options; this one adds none.
package ext

// HTTP has no further options for the HTTP configuration.
type HTTP struct{}

// Router has no further options for a router.
type Router struct{}
