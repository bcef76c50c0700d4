"""What the Python client does at the API server that its kubeconfig names: prints what it got as JSON."""

import json
import os
import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream

namespace, pod = sys.argv[1:]
config.load_kube_config_from_dict(json.loads(os.environ["KUBECONFIG_TEXT"]))
api = client.CoreV1Api()

names = []
following = None
while following != "":
    page = api.list_namespaced_config_map(namespace, limit=1, _continue=following)
    names += [item.metadata.name for item in page.items]
    following = page.metadata._continue or ""

events = watch.Watch().stream(api.list_namespaced_config_map, namespace, field_selector="metadata.name=small")
watched = next(events)["type"]

said = stream(api.connect_get_namespaced_pod_exec, pod, namespace, command=["echo", "there and back"], stdout=True)

log = api.read_namespaced_pod_log(pod, namespace, follow=True, _preload_content=False)
logged = next(log.stream())

print(json.dumps({"names": names, "watched": watched, "said": said, "logged": len(logged) > 0}), flush=True)
# The log and the watch go on.
os._exit(0)
