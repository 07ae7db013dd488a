// Command manager runs the controllers of the project.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	benchv1 "kubewright.dev/bench/project/api/v1"
	"kubewright.dev/bench/project/internal/controller"
)

func main() {
	var metrics, probes string
	var elect bool
	flag.StringVar(&metrics, "metrics-bind-address", "0", "Where metrics are served.")
	flag.StringVar(&probes, "health-probe-bind-address", ":8081", "Where health is served.")
	flag.BoolVar(&elect, "leader-elect", false, "Run beside other replicas.")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(metrics, probes, elect); err != nil {
		ctrl.Log.Error(err, "the manager ended")
		os.Exit(1)
	}
}

func run(metrics, probes string, elect bool) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, benchv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: metrics},
		HealthProbeBindAddress: probes,
		LeaderElection:         elect,
		LeaderElectionID:       "bench.example.com",
	})
	if err != nil {
		return err
	}
	if err := (&controller.AmberBucketReconciler{Client: manager.GetClient()}).SetupWithManager(manager); err != nil {
		return err
	}
	if err := manager.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return err
	}
	if err := manager.AddReadyzCheck("readyz", healthz.Ping); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
