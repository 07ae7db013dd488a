// Package controller has the controllers of the project.
package controller

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	benchv1 "kubewright.dev/bench/project/api/v1"
)

// AmberBucketReconciler tells which generation it has seen, as the controller that kubewright scaffolds does.
type AmberBucketReconciler struct {
	client.Client
}

// +kubebuilder:rbac:groups=bench.example.com,resources=amberbuckets,verbs=get;list;watch
// +kubebuilder:rbac:groups=bench.example.com,resources=amberbuckets/status,verbs=get;update;patch

// Reconcile works on one object.
func (r *AmberBucketReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var object benchv1.AmberBucket
	if err := r.Get(ctx, req.NamespacedName, &object); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if object.Status.ObservedGeneration == object.Generation {
		return ctrl.Result{}, nil
	}
	object.Status.ObservedGeneration = object.Generation
	return ctrl.Result{}, r.Status().Update(ctx, &object)
}

// SetupWithManager adds the controller to a manager.
func (r *AmberBucketReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).For(&benchv1.AmberBucket{}).Named("amberbucket").Complete(r)
}
