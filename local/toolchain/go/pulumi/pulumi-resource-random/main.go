// A stand-in for the provider plugin of @pulumi/random, for machines that cannot have the official one. It knows what the
// program uses: the resource RandomId with its input byteLength, whose every change replaces it, and its output hex.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// version is that of the npm package @pulumi/random, for which the engine asks.
const version = "4.21.2"

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

func (*randomProvider) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{SupportsPreview: true, AcceptResources: true}, nil
}

func (*randomProvider) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	if !strings.Contains(req.GetUrn(), "::random:index/randomId:RandomId::") {
		return nil, errors.New("this stand-in knows RandomId alone")
	}
	return &pulumirpc.CheckResponse{Inputs: req.GetNews()}, nil
}

func (*randomProvider) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	if proto.Equal(req.GetOldInputs(), req.GetNews()) {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	return &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_SOME, Diffs: []string{"byteLength"}, Replaces: []string{"byteLength"},
	}, nil
}

func (*randomProvider) Create(_ context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	fields := req.GetProperties().GetFields()
	if req.GetPreview() {
		fields["hex"] = structpb.NewStringValue(plugin.UnknownStringValue)
		return &pulumirpc.CreateResponse{Properties: &structpb.Struct{Fields: fields}}, nil
	}
	bytes := make([]byte, int(fields["byteLength"].GetNumberValue()))
	if _, err := rand.Read(bytes); err != nil {
		return nil, err
	}
	fields["hex"] = structpb.NewStringValue(hex.EncodeToString(bytes))
	id := base64.RawURLEncoding.EncodeToString(bytes)
	return &pulumirpc.CreateResponse{Id: id, Properties: &structpb.Struct{Fields: fields}}, nil
}

// Read gives back what is recorded: nothing outside the state knows more.
func (*randomProvider) Read(_ context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: req.GetProperties(), Inputs: req.GetInputs()}, nil
}

func (*randomProvider) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
