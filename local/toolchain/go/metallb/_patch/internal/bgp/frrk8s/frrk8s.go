// Package frr speaks no BGP: the version of FRR-K8s that would do it cannot be had, and layer 2 needs none.
package frr

import (
	"encoding/json"
	"errors"

	"github.com/go-kit/log"
	frrv1beta1 "github.com/metallb/frr-k8s/api/v1beta1"
	"go.universe.tf/metallb/internal/bgp"
	"go.universe.tf/metallb/internal/config"
	"go.universe.tf/metallb/internal/logging"
)

var errUnsupported = errors.New("BGP by FRR-K8s is not supported by this build")

type sessionManager struct{}

// NewSessionManager knows no session.
func NewSessionManager(log.Logger, logging.Level, string, string) bgp.SessionManager {
	return sessionManager{}
}

// ConfigName is the name of a node's configuration.
func ConfigName(node string) string {
	return "metallb-" + node
}

// ConfigToDump has nothing to hide.
func ConfigToDump(configuration frrv1beta1.FRRConfiguration) (string, error) {
	text, err := json.Marshal(configuration)
	return string(text), err
}

func (sessionManager) NewSession(log.Logger, bgp.SessionParameters) (bgp.Session, error) {
	return nil, errUnsupported
}

func (sessionManager) SyncBFDProfiles(map[string]*config.BFDProfile) error { return nil }
func (sessionManager) SyncExtraInfo(string) error                          { return nil }
func (sessionManager) SetEventCallback(func(any))                          {}
