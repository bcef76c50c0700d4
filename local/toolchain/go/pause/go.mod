module interlink-kube-api/local/pause

go 1.26
