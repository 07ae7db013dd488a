// Command etcd is the unchanged upstream store, built from its published module.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"

	_ "kubewright.dev/real/go/tether"
)

func main() {
	etcdmain.Main(os.Args)
}
