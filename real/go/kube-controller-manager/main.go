// Command kube-controller-manager is the unchanged upstream server, built from its published module.
package main

import (
	"os"
	_ "time/tzdata"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"

	_ "kubewright.dev/real/go/tether"
)

func main() {
	os.Exit(cli.Run(app.NewControllerManagerCommand()))
}
