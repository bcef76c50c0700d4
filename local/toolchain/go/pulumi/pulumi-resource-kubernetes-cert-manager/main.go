// A stand-in for the component plugin of @pulumi/kubernetes-cert-manager, for machines that cannot download the official
// one. Both are a thin layer over pulumi-go-helmbase: a component of type kubernetes-cert-manager:index:CertManager
// with one child, the Helm release. The chart's typed values are not repeated here: the program sets values through
// helmOptions, which the official plugin treats alike.
package main

import (
	helmbase "github.com/pulumi/pulumi-go-helmbase"
	helmv3 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/helm/v3"
	plugin "github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
)

// certManager is the component resource: what the official plugin calls CertManager.
type certManager struct {
	pulumi.ResourceState

	Status helmv3.ReleaseStatusOutput `pulumi:"status"`
}

func (c *certManager) Type() string                              { return "kubernetes-cert-manager:index:CertManager" }
func (c *certManager) DefaultChartName() string                  { return "cert-manager" }
func (c *certManager) DefaultRepoURL() string                    { return "https://charts.jetstack.io" }
func (c *certManager) SetOutputs(out helmv3.ReleaseStatusOutput) { c.Status = out }

// certManagerArgs holds the one input that the program uses.
type certManagerArgs struct {
	HelmOptions *helmbase.ReleaseType `pulumi:"helmOptions"`
}

func (a *certManagerArgs) R() **helmbase.ReleaseType { return &a.HelmOptions }

func main() {
	schema := []byte(`{"name": "kubernetes-cert-manager", "version": "0.2.0"}`)
	if err := plugin.ComponentMain("kubernetes-cert-manager", "0.2.0", schema, construct); err != nil {
		cmdutil.ExitError(err.Error())
	}
}

func construct(ctx *pulumi.Context, typ, name string, inputs provider.ConstructInputs,
	options pulumi.ResourceOption,
) (*provider.ConstructResult, error) {
	return helmbase.Construct(ctx, &certManager{}, typ, name, &certManagerArgs{}, inputs, options)
}
