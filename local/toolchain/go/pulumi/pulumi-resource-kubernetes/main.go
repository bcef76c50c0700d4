// The Kubernetes provider, served from its library. The provider's own main embeds a generated schema that is not part
// of the Go module; the schema is used for code generation alone, so none is given here.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// version is set by the linker, from go.mod.
var version = "4.24.2-dev"

func main() {
	provider.Serve("kubernetes", version, []byte("{}"), []byte("{}"))
}
