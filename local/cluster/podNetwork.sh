# Gives a node's pods a network, point to point, with routes to the other nodes' pods.
cat > /etc/cni/net.d/10-ptp.conflist <<END
{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipam": { "type": "host-local", "ranges": [[{ "subnet": "${podCidr}" }]], "routes": [{ "dst": "0.0.0.0/0" }] }
    },
    { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true }
  ]
}
END
${routes}
nft -f - <<END
table ip pods
delete table ip pods
table ip pods {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        ip saddr ${podCidr} ip daddr != ${pods} masquerade
    }
}
END
