// A stand-in for the provider plugin of @pulumi/random, for machines that cannot download the official one. It knows the
// resource random:index/randomId:RandomId alone, and no settings. For that it answers what the official plugin answers:
// the same names and encodings, a replacement for every change, secrets left to the engine.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math"
	"math/big"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// version is that of the npm package @pulumi/random, for which the engine asks.
const version = "4.21.2"

// randomID is the type of the one resource.
const randomID = "random:index/randomId:RandomId"

// inputNames are the resource's inputs; a change of any of them replaces it.
var inputNames = []string{"byteLength", "keepers", "prefix"}

// outputNames are the resource's outputs beside its inputs.
var outputNames = []string{"b64Std", "b64Url", "dec", "hex", "id"}

// schema describes the package, as far as it is here.
const schema = `{
  "name": "random",
  "version": "` + version + `",
  "resources": {
    "` + randomID + `": {
      "inputProperties": {
        "byteLength": { "type": "integer", "willReplaceOnChanges": true },
        "keepers": { "type": "object", "additionalProperties": { "type": "string" }, "willReplaceOnChanges": true },
        "prefix": { "type": "string", "willReplaceOnChanges": true }
      },
      "requiredInputs": ["byteLength"],
      "properties": {
        "b64Std": { "type": "string" },
        "b64Url": { "type": "string" },
        "byteLength": { "type": "integer" },
        "dec": { "type": "string" },
        "hex": { "type": "string" },
        "keepers": { "type": "object", "additionalProperties": { "type": "string" } },
        "prefix": { "type": "string" }
      },
      "required": ["b64Std", "b64Url", "byteLength", "dec", "hex"]
    }
  }
}`

// randomProvider serves the resource; what it leaves out, Update above all, answers that it is not implemented.
type randomProvider struct {
	pulumirpc.UnimplementedResourceProviderServer
}

func main() {
	err := provider.Main("random", func(*provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		return &randomProvider{}, nil
	})
	if err != nil {
		cmdutil.ExitError(err.Error())
	}
}

func (*randomProvider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (*randomProvider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: schema}, nil
}

func (*randomProvider) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

func (*randomProvider) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

// Configure says what the official plugin says: no secrets, so that the engine takes the marks off the inputs and puts
// them back on the outputs of the same names.
func (*randomProvider) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, AcceptResources: true}, nil
}

func (*randomProvider) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if kind := resource.URN(req.GetUrn()).Type(); kind != randomID {
		return nil, status.Errorf(codes.Unimplemented, "%s: this stand-in knows %s alone", kind, randomID)
	}
	response := &pulumirpc.CheckResponse{Inputs: req.GetNews()}
	length := req.GetNews().GetFields()["byteLength"]
	count := length.GetNumberValue()
	if length.GetStringValue() != plugin.UnknownStringValue && (count < 1 || count != math.Trunc(count)) {
		failure := &pulumirpc.CheckFailure{Property: "byteLength", Reason: "give a whole number of bytes, one or more"}
		response.Failures = append(response.Failures, failure)
	}
	return response, nil
}

func (*randomProvider) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news := req.GetOldInputs().GetFields(), req.GetNews().GetFields()
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	for _, name := range inputNames {
		if !proto.Equal(olds[name], news[name]) {
			response.Changes = pulumirpc.DiffResponse_DIFF_SOME
			response.Diffs = append(response.Diffs, name)
			response.Replaces = append(response.Replaces, name)
		}
	}
	return response, nil
}

func (*randomProvider) Create(_ context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	inputs := req.GetProperties().GetFields()
	if req.GetPreview() {
		unknown := maps.Clone(inputs)
		for _, name := range outputNames {
			unknown[name] = structpb.NewStringValue(plugin.UnknownStringValue)
		}
		return &pulumirpc.CreateResponse{Properties: &structpb.Struct{Fields: unknown}}, nil
	}
	bytes := make([]byte, int(inputs["byteLength"].GetNumberValue()))
	if _, err := rand.Read(bytes); err != nil {
		return nil, err
	}
	return &pulumirpc.CreateResponse{Id: encode(bytes), Properties: state(inputs, bytes)}, nil
}

// Read gives back what is recorded, for a refresh; with nothing recorded, for an import, it decodes the ID, which may
// stand behind a prefix and a comma.
func (*randomProvider) Read(_ context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if _, recorded := req.GetProperties().GetFields()["b64Url"]; recorded {
		return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: req.GetProperties(), Inputs: req.GetInputs()}, nil
	}
	id := req.GetId()
	inputs := map[string]*structpb.Value{}
	if comma := strings.LastIndex(id, ","); comma >= 0 {
		inputs["prefix"] = structpb.NewStringValue(id[:comma])
		id = id[comma+1:]
	}
	bytes, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "ID: %q is not allowed; give URL-safe base64 without padding", id)
	}
	inputs["byteLength"] = structpb.NewNumberValue(float64(len(bytes)))
	return &pulumirpc.ReadResponse{Id: id, Properties: state(inputs, bytes), Inputs: &structpb.Struct{Fields: inputs}}, nil
}

func (*randomProvider) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// encode gives the ID of bytes.
func encode(bytes []byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes)
}

// state gives the inputs and the outputs for bytes: every spelling with the prefix but the ID.
func state(inputs map[string]*structpb.Value, bytes []byte) *structpb.Struct {
	fields := maps.Clone(inputs)
	prefix := inputs["prefix"].GetStringValue()
	fields["b64Std"] = structpb.NewStringValue(prefix + base64.StdEncoding.EncodeToString(bytes))
	fields["b64Url"] = structpb.NewStringValue(prefix + encode(bytes))
	fields["dec"] = structpb.NewStringValue(prefix + new(big.Int).SetBytes(bytes).String())
	fields["hex"] = structpb.NewStringValue(prefix + hex.EncodeToString(bytes))
	fields["id"] = structpb.NewStringValue(encode(bytes))
	return &structpb.Struct{Fields: fields}
}
