package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/go-logr/logr"
)

func manager(metrics string) (ctrl.Manager, error) {
	log.SetLogger(logr.Discard())
	config, err := config()
	if err != nil {
		return nil, err
	}
	scheme, err := scheme()
	if err != nil {
		return nil, err
	}
	return ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: metrics}})
}

// latencyTask tells how long after each ConfigMap was written its reconcile began.
func latencyTask() error {
	manager, err := manager("0")
	if err != nil {
		return err
	}
	var lock sync.Mutex
	var seen []int64
	reconciler := reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		now := time.Now().UnixNano()
		var object corev1.ConfigMap
		if err := manager.GetClient().Get(ctx, request.NamespacedName, &object); err != nil {
			return reconcile.Result{}, client.IgnoreNotFound(err)
		}
		written, err := strconv.ParseInt(object.Data["written"], 10, 64)
		if err == nil {
			lock.Lock()
			seen = append(seen, now-written)
			lock.Unlock()
		}
		return reconcile.Result{}, nil
	})
	options := controller.Options{MaxConcurrentReconciles: 16}
	if err := ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).WithOptions(options).Complete(reconciler); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = manager.Start(ctx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return fmt.Errorf("the cache did not sync")
	}
	fmt.Println("synced")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		lock.Lock()
		switch lines.Text() {
		case "begin":
			seen = seen[:0]
		case "report":
			slices.Sort(seen)
			if len(seen) == 0 {
				fmt.Println("latency 0 0 0")
			} else {
				fmt.Println("latency", len(seen), seen[len(seen)/2], seen[len(seen)*99/100])
			}
		}
		lock.Unlock()
	}
	return nil
}

// patchTask writes one merge patch to each of so many ConfigMaps.
func patchTask(objects int) error {
	manager, err := manager("0")
	if err != nil {
		return err
	}
	var patched atomic.Int64
	done := make(chan struct{})
	body := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"bench/patched":"true"}}}`))
	reconciler := reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		var object corev1.ConfigMap
		if err := manager.GetClient().Get(ctx, request.NamespacedName, &object); err != nil {
			return reconcile.Result{}, client.IgnoreNotFound(err)
		}
		if object.Labels["bench"] != "patch" || object.Annotations["bench/patched"] != "" {
			return reconcile.Result{}, nil
		}
		if err := manager.GetClient().Patch(ctx, &object, body); err != nil {
			return reconcile.Result{}, err
		}
		if patched.Add(1) == int64(objects) {
			close(done)
		}
		return reconcile.Result{}, nil
	})
	options := controller.Options{MaxConcurrentReconciles: 16}
	if err := ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).WithOptions(options).Complete(reconciler); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = manager.Start(ctx) }()
	<-done
	fmt.Println("patched")
	waitForLine()
	return nil
}

// operatorTask keeps an Ingress for each Service that is annotated with ingress/http=true.
func operatorTask() error {
	manager, err := manager("127.0.0.1:0")
	if err != nil {
		return err
	}
	reconciler := reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		var service corev1.Service
		if err := manager.GetClient().Get(ctx, request.NamespacedName, &service); err != nil {
			return reconcile.Result{}, client.IgnoreNotFound(err)
		}
		var ingress networkingv1.Ingress
		err := manager.GetClient().Get(ctx, request.NamespacedName, &ingress)
		if service.Annotations["ingress/http"] != "true" || !apierrors.IsNotFound(err) {
			return reconcile.Result{}, client.IgnoreNotFound(err)
		}
		ingress.Name, ingress.Namespace = service.Name, service.Namespace
		path := networkingv1.PathTypePrefix
		backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
			Name: service.Name, Port: networkingv1.ServiceBackendPort{Number: service.Spec.Ports[0].Port},
		}}
		ingress.Spec.Rules = []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &path, Backend: backend}}},
		}}}
		if err := controllerutil.SetControllerReference(&service, &ingress, manager.GetScheme()); err != nil {
			return reconcile.Result{}, err
		}
		return reconcile.Result{}, manager.GetClient().Create(ctx, &ingress)
	})
	builder := ctrl.NewControllerManagedBy(manager).For(&corev1.Service{}).Owns(&networkingv1.Ingress{})
	if err := builder.Complete(reconciler); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { waitForLine(); cancel() }()
	return manager.Start(ctx)
}
