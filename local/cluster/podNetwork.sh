# Gives a node's pods a network, point to point, with routes to the other nodes' pods.
cat > /etc/cni/net.d/10-ptp.conflist <<END
{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipam": { "type": "host-local", "ranges": ${ranges}, "routes": ${defaults} }
    },
    { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true }
  ]
}
END
${routes}
# The legacy one takes a rule for another port for the one that it looks for, and would map one port alone.
update-alternatives --quiet --set ip6tables /usr/sbin/ip6tables-nft
nft -f - <<END
table inet pods
delete table inet pods
table inet pods {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        ${masquerade}
    }
}
END
